"""Embeddings of a server, in a study: kept, recorded and paid for like what the LLM answers."""

from pathlib import Path
from typing import Any, cast

import pytest

from nasc.passes import cost
from nasc.search.engine import Study, run
from nasc.search.ideas import default_ideas, write_ideas
from nasc.search.llm import BudgetExhausted, Ledger, Price, open_client
from nasc.search.llm.ledger import Metered
from nasc.search.llm.random import RandomClient
from nasc.search.store import Store, dump
from nasc.search.strategies.nader import Nader
from nasc.tests.search.engine.walking import space, study, weighing
from nasc.tests.search.llm.server import Served, embeds, serving

TRIALS = 4


def nader(where: Path, server: Served, **options: object) -> Study:
    """A study by NADER whose ideas are embedded by a server."""
    found = study(where, TRIALS, batch=2, method="nader")
    write_ideas(where.parent / "ideas.jsonl", default_ideas()[:12])
    strategy = Nader(embedder=f"{server.url}#vectors", ideas=str(where.parent / "ideas.jsonl"))
    return Study(found.stored, space(), strategy, price=Price(2.0, 10.0), **options)  # type: ignore[arg-type]


def test_embeddings_of_a_server_are_in_the_ledger_once(tmp_path: Path) -> None:
    with serving(embeds(3.0, 4.0)) as server:
        first = nader(tmp_path / "s.db", server)
        assert run(first, weighing()).reason == "trials"
        calls = [call for call in first.stored.calls() if call.model == "tiny-vectors"]
        asked = [cast("list[str]", body["input"]) for body in server.asked]
        assert [[cast("Any", call.prompt)["messages"][0][1]] for call in calls] == asked
        assert len({text for (text,) in asked}) == len(asked) > 5
        assert {(call.client, call.prompt_tokens, call.completion_tokens, call.text) for call in calls} == {
            (f"embeddings of {server.url}#vectors", 5, 0, "[0.6, 0.8]")
        }
        assert all(call.paid for call in calls)
        assert [call.cost for call in calls] == pytest.approx([5 * 2e-6] * len(calls))
        assert first.stored.tokens() >= 5 * len(calls)

        stored = Store(tmp_path / "s.db").begin("twice", first.settings, TRIALS)
        run(Study(stored, space(), first.strategy, price=Price(2.0, 10.0)), weighing())
        assert len(server.asked) == len(calls)
        assert stored.tokens() == 0
        assert dump(stored).replace("twice", "walk") == dump(first.stored)


def test_a_study_that_goes_on_in_other_processes_has_the_same_ledger(tmp_path: Path) -> None:
    def round_of(found: Study) -> None:
        for trial in found.ask():
            assert trial.module is not None
            found.tell(trial.number, {"score": cost(trial.module).params})

    with serving(embeds(3.0, 4.0)) as server:
        straight = nader(tmp_path / "straight.db", server)
        while not straight.over():
            round_of(straight)
        while not (cut := nader(tmp_path / "cut.db", server)).over():
            cut.strategy.ask(cut._view(cut.state()))  # cut off before the round is kept
            round_of(nader(tmp_path / "cut.db", server))
        paid, kept = (
            [(call.round, call.position, call.digest, call.paid) for call in one.stored.calls()]
            for one in (straight, cut)
        )
        assert paid == kept


def test_the_budget_and_the_account_of_a_run_count_embeddings(tmp_path: Path) -> None:
    with serving(embeds(3.0, 4.0)) as server:
        ledger = Ledger()
        found = nader(tmp_path / "s.db", server, client=open_client("random", ledger=ledger))
        run(found, weighing())
        assert ledger.prompt_tokens >= 5 * len(server.asked) > 20
        poor = nader(tmp_path / "poor.db", server, client=Metered(RandomClient(), Ledger(), 50))
        finish = run(poor, weighing())
        assert isinstance(finish.error, BudgetExhausted)
