"""What --llm may be, and what is said of anything else."""

import pytest

from nasc.search.llm import LLMError, UnknownClient, open_client
from nasc.search.llm.openai_compatible import Endpoint
from nasc.search.llm.spec import read_endpoint

FORMS = "local, random, openai:MODEL, http://HOST:PORT/v1#MODEL"


@pytest.mark.parametrize(
    ("spec", "endpoint"),
    [
        ("openai:gpt-5", ("https://api.openai.com/v1", "gpt-5", "openai")),
        ("http://localhost:8000/v1#Qwen/Qwen3-8B", ("http://localhost:8000/v1", "Qwen/Qwen3-8B", None)),
        ("http://localhost:8000/v1/#m?dialect=vllm", ("http://localhost:8000/v1", "m", "vllm")),
        ("https://[::1]:8080/v1#a:b", ("https://[::1]:8080/v1", "a:b", None)),
    ],
)
def test_a_spec_names_an_endpoint(spec, endpoint):
    assert read_endpoint(spec) == Endpoint(spec, *endpoint)
    assert open_client(spec).name == spec


def test_the_key_of_openai_is_for_openai_alone():
    assert read_endpoint("openai:gpt-5").key == "OPENAI_API_KEY"
    assert read_endpoint("http://localhost:1/v1#m").key == "NASC_LLM_API_KEY"


@pytest.mark.parametrize(
    ("spec", "golden"),
    [
        ("locl", f"--llm locl: names no LLM\n  help: did you mean 'local'? The forms are: {FORMS}"),
        ("claude", f"--llm claude: names no LLM\n  help: use one of: {FORMS}"),
        ("", f"--llm : names no LLM\n  help: use one of: {FORMS}"),
        ("openai", "--llm openai: names no model\n  help: write openai:MODEL"),
        (
            "localhost:8000/v1#m",
            "--llm localhost:8000/v1#m: is no URL\n  help: did you mean 'http://localhost:8000/v1#m'?",
        ),
        (
            "http://localhost:8000/v1",
            "--llm http://localhost:8000/v1: names no model\n"
            "  help: write http://localhost:8000/v1#MODEL; curl http://localhost:8000/v1/models lists them",
        ),
        ("http:///v1#m", "--llm http:///v1#m: names no host\n  help: write http://HOST:PORT/v1#MODEL"),
        (
            "http://h:port/v1#m",
            "--llm http://h:port/v1#m: is no URL (Port could not be cast to integer value as 'port')\n"
            "  help: write http://HOST:PORT/v1#MODEL",
        ),
        (
            "http://h/v1#m?dialect=vlm",
            "--llm http://h/v1#m?dialect=vlm: has an unknown dialect 'vlm'\n  help: did you mean 'vllm'?",
        ),
        (
            "http://h/v1#m?dialekt=vllm",
            "--llm http://h/v1#m?dialekt=vllm: has an unknown option 'dialekt'\n  help: the one option is dialect",
        ),
        (
            "http://me:secret@h/v1#m",
            "--llm http://...@h: holds a password\n"
            "  help: put the key into NASC_LLM_API_KEY: names of models go into files",
        ),
    ],
)
def test_a_wrong_spec_is_told_what_would_be_right(spec, golden):
    with pytest.raises(UnknownClient) as caught:
        open_client(spec)
    assert str(caught.value) == f"error: {golden}"
    assert isinstance(caught.value, LLMError)
