"""The OpenAI-compatible client against a real server on loopback, well and badly behaved."""

import importlib.util
import socket
import sys
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the openai package is not installed")

from nasc.search.llm import (
    BadAnswer,
    BadReply,
    ContextTooLong,
    Ledger,
    LLMError,
    Message,
    NotInstalled,
    Prompt,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
    open_client,
)


def _load_server():
    spec = importlib.util.spec_from_file_location("llm_server", Path(__file__).with_name("server.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


server = _load_server()
GRAMMAR = 'start: "set " NAME "\\n"\nNAME: "a" | "b"\n'
PROMPT = Prompt((Message("system", "Edit."), Message("user", "Set a.")), GRAMMAR, max_tokens=20, seed=3)


class Watch:
    """A client of a server, with what it said and how long it would have waited."""

    def __init__(self, served, model="tiny", timeout=5.0, **options):
        self.events: list[str] = []
        self.pauses: list[float] = []
        self.ledger = Ledger()
        self.client = open_client(
            f"{served.url}#{model}",
            timeout=timeout,
            ledger=self.ledger,
            on_event=self.events.append,
            sleep=self.pauses.append,
            **options,
        )

    def ask(self, prompt=PROMPT):
        return self.client.complete(prompt)

    def fail(self, served, prompt=PROMPT):
        with pytest.raises(LLMError) as caught:
            self.client.complete(prompt)
        return caught.value, str(caught.value).replace(served.url, "URL")


def test_an_answer_and_what_it_took():
    with server.serving(server.says("set a\n")) as served:
        watch = Watch(served)
        answer = watch.ask()
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("set a\n", 11, 7)
    assert (answer.model, answer.cached, answer.finished) == ("tiny-served", False, True)
    assert (watch.ledger.calls, watch.ledger.tokens, watch.ledger.failures) == (1, 18, 0)
    asked = served.asked[0]
    assert asked["messages"] == [
        {"role": "system", "content": "Edit."},
        {"role": "user", "content": "Set a."},
    ]
    assert (asked["model"], asked["max_tokens"], asked["seed"]) == ("tiny", 20, 3)


def test_a_cut_answer_says_so():
    with server.serving(server.says("set", "length")) as served:
        assert Watch(served).ask().finished is False


@pytest.mark.parametrize(
    ("owner", "part"),
    [("vllm", "structured_outputs"), ("llamacpp", "grammar"), ("sglang", "ebnf"), ("openai", "tools")],
)
def test_the_owner_of_the_models_tells_how_the_grammar_goes(owner, part):
    with server.serving(server.says("set a\n"), owner=owner) as served:
        Watch(served).ask()
    sent = served.asked[0]
    assert part in sent
    if owner == "vllm":
        assert sent[part] == {"grammar": GRAMMAR}
    elif owner == "openai":
        assert sent[part][0]["custom"]["format"]["grammar"] == {"syntax": "lark", "definition": GRAMMAR}
        assert "max_completion_tokens" in sent
    else:
        assert sent[part].startswith("root ::= ")


@pytest.mark.parametrize("owner", ["library", "absent", "page", "number"])
def test_an_unknown_server_gets_no_grammar(owner):
    with server.serving(server.says("set a\n"), owner=owner) as served:
        Watch(served).ask()
    assert not {"structured_outputs", "grammar", "ebnf", "tools"} & set(served.asked[0])


def test_the_url_says_the_dialect():
    with server.serving(server.says("set a\n"), owner="library") as served:
        Watch(served, model="tiny?dialect=vllm").ask()
    assert "structured_outputs" in served.asked[0]


def test_the_answer_may_be_a_call_of_the_tool():
    with server.serving(server.calls_tool("set b\n"), owner="openai") as served:
        assert Watch(served).ask().text == "set b\n"


def test_a_refused_grammar_is_left_out_then_and_later():
    refuses = server.refuses_with("structured_outputs", "grammars are off")
    with server.serving(refuses, owner="vllm") as served:
        watch = Watch(served)
        assert watch.ask().text == "fine\n"
        assert watch.ask().text == "fine\n"
    assert len(served.asked) == 3
    assert any("will not have: grammar" in event for event in watch.events)


def test_a_prompt_that_is_too_long_is_so_without_its_grammar_too():
    with server.serving(server.fails(400, "too long", code="context_length_exceeded"), owner="vllm") as served:
        assert isinstance(Watch(served).fail(served)[0], ContextTooLong)
    assert len(served.asked) == 1


def test_a_refused_argument_is_left_out_but_the_grammar_stays():
    refuses = server.refuses_with("temperature", "Unsupported value: 'temperature'", param="temperature")
    with server.serving(refuses, owner="openai") as served:
        assert Watch(served).ask().text == "fine\n"
    assert "tools" in served.asked[1]
    assert "temperature" not in served.asked[1]


def test_the_limit_goes_by_its_other_name_when_refused():
    refuses = server.refuses_with(
        "max_tokens", "Unsupported parameter: use 'max_completion_tokens'", param="max_tokens"
    )
    with server.serving(refuses) as served:
        assert Watch(served).ask().text == "fine\n"
    assert served.asked[1]["max_completion_tokens"] == 20


def test_a_limited_rate_is_waited_for_as_long_as_the_server_asks():
    script = (server.fails(429, "slow down", {"Retry-After": "7"}), server.says("set a\n"))
    with server.serving(*script) as served:
        watch = Watch(served)
        assert watch.ask().text == "set a\n"
    assert watch.pauses == [7.0]
    assert any("slow down" in event and "try 2 of 4 in 7.0 s" in event for event in watch.events)


def test_a_failing_server_is_tried_again_with_growing_pauses():
    with server.serving(server.fails(500, "oops")) as served:
        watch = Watch(served)
        error, _ = watch.fail(served)
    assert isinstance(error, Unreachable)
    assert len(served.asked) == 4
    assert [0.25 <= watch.pauses[0] <= 0.5, 0.5 <= watch.pauses[1] <= 1, 1 <= watch.pauses[2] <= 2] == [True] * 3
    assert (watch.ledger.calls, watch.ledger.failures) == (1, 1)


def test_a_server_that_recovers_is_answered_by():
    script = (server.fails(503, "loading"), server.hangs_up, server.says("set a\n"))
    with server.serving(*script) as served:
        assert Watch(served).ask().text == "set a\n"


@pytest.mark.parametrize(
    "broken", [server.replies('{"choices": ['), server.replies("<html>busy</html>"), server.truncates]
)
def test_what_is_no_reply_is_asked_for_again(broken):
    with server.serving(broken, server.says("set a\n")) as served:
        assert Watch(served).ask().text == "set a\n"
    assert len(served.asked) == 2


@pytest.mark.parametrize("behaviour", [server.stalls, server.drips])
def test_a_server_that_never_answers_is_given_up(behaviour):
    with server.serving(behaviour) as served:
        watch = Watch(served, timeout=0.3, tries=2)
        error, _ = watch.fail(served)
    assert isinstance(error, TimedOut)
    assert len(served.asked) == 2


def test_a_server_that_is_not_there_is_not_tried_again():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    pauses: list[float] = []
    client = open_client(f"{url}#tiny", timeout=5, sleep=pauses.append)
    with pytest.raises(Unreachable) as caught:
        client.complete(PROMPT)
    assert str(caught.value).replace(url, "URL") == (
        "error: URL: cannot connect ([Errno 111] Connection refused)\n"
        "  help: is the server running? try: curl URL/models"
    )
    assert pauses == []


GOLDEN = {
    "empty": (
        [server.says("")],
        BadAnswer,
        "error: URL: the answer is empty (finish_reason 'stop')\n  help: ask again, or with more max_tokens",
    ),
    "null": (
        [server.says(None, "length")],
        BadAnswer,
        "error: URL: the answer is empty (finish_reason 'length')\n  help: ask again, or with more max_tokens",
    ),
    "page": (
        [server.replies("<html>Welcome</html>")],
        BadReply,
        "error: URL: the reply holds no choices\n  help: is the URL the root of the API? try: curl URL/models",
    ),
    "malformed": (
        [server.replies('{"choices": [')],
        BadReply,
        "error: URL: the reply is no JSON of this API (Expecting value: line 1 column 14 (char 13))\n"
        "  help: is the URL the root of the API? try: curl URL/models",
    ),
    "wrong shape": (
        [server.replies('{"choices": 3}')],
        BadReply,
        "error: URL: the reply holds no choices\n  help: is the URL the root of the API? try: curl URL/models",
    ),
    "declined": (
        [server.replies('{"error": {"message": "the provider is down", "code": 502}}')],
        BadReply,
        "error: URL: the reply holds no choices: the provider is down\n"
        "  help: is the URL the root of the API? try: curl URL/models",
    ),
    "truncated": (
        [server.truncates],
        Unreachable,
        "error: URL: the connection broke (peer closed connection without sending complete message body"
        " (received 19 bytes, expected 1000))\n  help: is the server running? try: curl URL/models",
    ),
    "key": (
        [server.fails(401, "Incorrect API key")],
        Refused,
        "error: URL: HTTP 401: Incorrect API key\n  help: put a valid key into NASC_LLM_API_KEY",
    ),
    "model": (
        [server.fails(404, "The model `tiny` does not exist")],
        Refused,
        "error: URL: HTTP 404: the server has no model 'tiny'\n  help: did you mean 'tiny-2'?",
    ),
    "too long": (
        [server.fails(400, "maximum context length is 512 tokens")],
        ContextTooLong,
        "error: URL: HTTP 400: maximum context length is 512 tokens\n"
        "  help: shorten the prompt, lower max_tokens, or serve the model with a longer context",
    ),
    "odd": (
        [server.fails(422, "no such thing")],
        Refused,
        "error: URL: HTTP 422: no such thing\n  help: the request does not suit this server or this model",
    ),
    "quota": (
        [server.fails(429, "You exceeded your quota", code="insufficient_quota")],
        RateLimited,
        "error: URL: HTTP 429: You exceeded your quota\n"
        "  help: the account is used up: no retry helps, add credit or use another --llm",
    ),
    "long wait": (
        [server.fails(429, "come back tomorrow", {"Retry-After": "86400"})],
        RateLimited,
        "error: URL: HTTP 429: come back tomorrow; the server asks to wait 86400 s\n"
        "  help: wait, ask less often, or use another --llm",
    ),
    "broken": (
        [server.fails(500, "CUDA out of memory")],
        Unreachable,
        "error: URL: HTTP 500: CUDA out of memory\n"
        "  help: the server failed, not the request; see its log, or try: curl URL/models",
    ),
    "stall": (
        [server.stalls],
        TimedOut,
        "error: URL: no answer within 0.3 s\n"
        "  help: give it longer with --timeout (of a search: --llm-timeout), or see whether it is busy:"
        " curl URL/models",
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_errors_say_where_what_and_what_would_be_right(case):
    script, kind, golden = GOLDEN[case]
    timeout, tries = (0.3, 1) if case == "stall" else (5.0, 4)
    with server.serving(*script, models=("tiny-2",)) as served:
        error, text = Watch(served, timeout=timeout, tries=tries).fail(served)
    assert text == golden
    assert type(error) is kind


def test_openai_without_a_key_says_so(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(Refused) as caught:
        open_client("openai:gpt-5").complete(PROMPT)
    assert str(caught.value) == (
        "error: openai:gpt-5: OPENAI_API_KEY is not set\n  help: export OPENAI_API_KEY=..., or use --llm local"
    )


def test_the_key_of_openai_never_goes_to_another_server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("NASC_LLM_API_KEY", "own")
    with server.serving(server.says("set a\n")) as served:
        Watch(served).ask()
    assert served.headers[0]["authorization"] == "Bearer own"
    assert not any("sk-secret" in value for value in served.headers[0].values())


def test_a_run_replays_without_its_server(tmp_path):
    with server.serving(server.says("set a\n")) as served:
        first = Watch(served, cache_dir=tmp_path).ask()
    again = Watch(served, cache_dir=tmp_path)
    answer = again.ask()
    assert (answer.text, answer.cached, first.cached) == ("set a\n", True, False)
    assert (again.ledger.calls, again.ledger.hits, again.ledger.tokens) == (0, 1, 0)


@pytest.mark.parametrize(
    "spec", ["openai:gpt", "http://127.0.0.1:9/v1#tiny?dialect=vllm", "http://127.0.0.1:9/v1#tiny"]
)
def test_without_the_openai_package_it_says_what_to_install(monkeypatch, spec):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(NotInstalled) as caught:
        open_client(spec).complete(Prompt((Message("user", "?"),)))
    assert str(caught.value) == (f"error: {spec}: the openai package is missing\n  help: pip install 'openai>=3.54,<4'")
