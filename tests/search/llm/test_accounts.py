"""The cache of answers, the ledger, and the budget, over the real random client and one that counts."""

import json
from dataclasses import replace

import pytest

from nasc.search.llm import (
    Answer,
    BadAnswer,
    BudgetExhausted,
    Ledger,
    Message,
    Price,
    Prompt,
    open_client,
)
from nasc.search.llm.cache import Cached
from nasc.search.llm.ledger import Metered, least_tokens

PROMPT = Prompt((Message("user", "x" * 79),), max_tokens=30)


class Counting:
    """Answers with how often it was asked; fails when told to."""

    name = "counting"

    def __init__(self, fails=False):
        self.asked = 0
        self.fails = fails

    def complete(self, prompt):
        self.asked += 1
        if self.fails:
            raise BadAnswer.at(self.name, "nothing came", "ask again")
        return Answer(f"answer {self.asked}", 10, 5, 0.5, "counter")


def test_an_answer_is_kept_and_read_back(tmp_path):
    inner = Counting()
    client = Cached(inner, tmp_path)
    first, second = client.complete(PROMPT), client.complete(PROMPT)
    assert second == replace(first, cached=True)
    assert inner.asked == 1
    assert [path.parent.name for path in tmp_path.glob("*/*.json")] == [client.path(PROMPT).name[:2]]


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("system", "x" * 79),)},
        {"messages": (Message("user", "y"),)},
        {"grammar": "start: /a/"},
        {"max_tokens": 31},
        {"temperature": 0.1},
        {"seed": 1},
        {"stop": ("\n",)},
    ],
)
def test_every_field_of_the_prompt_is_part_of_the_key(change):
    assert replace(PROMPT, **change).digest("m") != PROMPT.digest("m")


def test_the_client_is_part_of_the_key_and_the_key_never_changes():
    assert PROMPT.digest("m") != PROMPT.digest("n")
    golden = "ef62b765873de3c6f3fb32c6aeec0e883c8e2aeb87484f3a2496081bb2406657"
    assert PROMPT.digest("m") == golden


@pytest.mark.parametrize("text", ["", "{", "[]", '{"text": 3}', '{"text": "cut"}', "\x00\xff"])
def test_a_damaged_entry_is_ignored_and_rewritten(tmp_path, text):
    client = Cached(Counting(), tmp_path)
    client.complete(PROMPT)
    client.path(PROMPT).write_text(text, encoding="latin-1")
    assert client.complete(PROMPT).text == "answer 2"
    assert json.loads(client.path(PROMPT).read_text())["text"] == "answer 2"
    assert [path for path in tmp_path.rglob(".*")] == []


def test_a_failure_is_not_kept(tmp_path):
    client = Cached(Counting(fails=True), tmp_path)
    with pytest.raises(BadAnswer):
        client.complete(PROMPT)
    assert list(tmp_path.rglob("*.json")) == []


def test_the_ledger_adds_up():
    ledger = Ledger(price=Price(prompt=2.0, completion=10.0))
    good, bad = Metered(Counting(), ledger), Metered(Counting(fails=True), ledger)
    good.complete(PROMPT)
    good.complete(PROMPT)
    with pytest.raises(BadAnswer):
        bad.complete(PROMPT)
    ledger.record(replace(good.complete(PROMPT), cached=True))
    assert (ledger.calls, ledger.failures, ledger.hits, ledger.tokens) == (4, 1, 1, 45)
    assert ledger.cost == pytest.approx((30 * 2 + 15 * 10) / 1e6)
    assert ledger.summary().startswith("4 LLM calls, 1 failed, 1 answer from the cache, 30 + 15 tokens, ")
    assert Ledger().cost is None
    assert "cost" not in Ledger().summary()


def test_the_budget_ends_a_run_before_the_call_that_would_pass_it():
    inner, ledger = Counting(), Ledger()
    client = Metered(inner, ledger, budget_tokens=39)
    assert least_tokens(PROMPT) == 10
    client.complete(PROMPT)
    client.complete(PROMPT)
    with pytest.raises(BudgetExhausted) as caught:
        client.complete(PROMPT)
    assert inner.asked == 2
    assert str(caught.value) == (
        "error: counting: 30 of 39 tokens are spent and the next call takes at least 10\n"
        "  help: give more with --budget-tokens 70, or none for no limit"
    )


def test_the_budget_does_not_stop_answers_from_the_cache(tmp_path):
    inner, ledger = Counting(), Ledger()
    client = Cached(Metered(inner, ledger, budget_tokens=15), tmp_path, ledger.record)
    client.complete(PROMPT)
    assert client.complete(PROMPT).cached
    assert (ledger.calls, ledger.hits) == (1, 1)


def test_random_edits_are_accounted_but_cost_nothing():
    ledger = Ledger()
    client = open_client("random", ledger=ledger, budget_tokens=1)
    for seed in range(3):
        client.complete(replace(PROMPT, grammar='start: "a" | "b"', seed=seed))
    assert (ledger.calls, ledger.tokens) == (3, 0)


@pytest.mark.parametrize("wrong", [{"messages": ()}, {"max_tokens": 0}, {"temperature": -1.0}])
def test_a_prompt_that_none_could_answer_is_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        replace(PROMPT, **wrong)
