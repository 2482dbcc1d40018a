"""The harness on a small table: fair splits, results that survive a kill, and tables in a card."""

import gzip
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from nasc.ir import NascError
from nasc.predictor import harness
from nasc.predictor.datasets import Dataset, load
from nasc.predictor.evaluation import ranking
from nasc.predictor.fewshot import adapt
from nasc.predictor.harness import FEW, LEAVE, ZERO, Plan, Trial, compare, read
from nasc.predictor.rankers import Fit, Ours, Trees
from nasc.predictor.tables import BEGIN, END, put, tables


@pytest.fixture(scope="module")
def networks(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load("nb101", tables, 160, cache=tmp_path_factory.mktemp("features")).distinct()


def trial(protocol: str, ranker: str, seed: int) -> Trial:
    return Trial(protocol, ranker, "macro", seed, 10, ranking(np.arange(9.0), np.arange(9.0)))


def test_no_network_is_on_both_sides(networks: Dataset) -> None:
    seen = set(networks.digests[:40].tolist())
    rest = networks.without(seen)
    assert len(rest.x) == len(networks.x) - 40
    assert not seen & set(rest.digests.tolist())


def test_networks_that_are_the_same_count_once(networks: Dataset) -> None:
    twice = networks.take(np.array([0, 1, 0, 2]))
    twice.accuracies[2] += 0.1
    once = twice.distinct()
    assert once.digests.tolist() == twice.digests[[0, 1, 3]].tolist()
    assert once.accuracy[0] == pytest.approx(twice.accuracy[[0, 2]].mean())


@pytest.fixture(scope="module")
def five(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of five networks."""
    folder = tmp_path_factory.mktemp("five")
    rows = gzip.decompress((tables / "nb101.csv.gz").read_bytes()).splitlines(keepends=True)
    (folder / "nb101.csv.gz").write_bytes(gzip.compress(b"".join(rows[:6])))
    return folder


def test_what_is_damaged_on_disk_is_made_anew(five: Path, tmp_path: Path) -> None:
    first = load("nb101", five, cache=tmp_path)
    kept = {path.suffix: path for path in tmp_path.iterdir()}
    for suffix, cut in ((".npz", -9), (".npz", 0), (".npy", -9), (".npy", 3)):
        whole = kept[suffix].read_bytes()
        kept[suffix].write_bytes(whole[:cut])
        again = load("nb101", five, cache=tmp_path)
        np.testing.assert_array_equal(again.x, first.x)
        assert again.digests.tolist() == first.digests.tolist()
        assert len(kept[suffix].read_bytes()) == len(whole)


def test_where_nothing_can_be_kept_networks_are_read_all_the_same(five: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    found = load("nb101", five, None, said.append, cache=tmp_path / "file")
    assert len(found.x) == 5
    assert said[0] == "reading the networks of nb101: 0 of 5"
    assert set(said[1:]) == {f"{tmp_path / 'file'}: nothing can be kept there: File exists"}


@pytest.mark.parametrize("fit", [Trees(rounds=30), Ours(forests=1), Ours(forests=0)], ids=["trees", "ours", "slopes"])
def test_rankers_learn_and_labels_help(networks: Dataset, fit: Fit) -> None:
    pytest.importorskip("sklearn")
    first, last = networks.take(np.arange(80)), networks.take(np.arange(80, len(networks.x)))
    score = fit([first], 0)
    assert ranking(score(last), last.accuracy).spearman > 0.6
    wrong = adapt(lambda s: -score(s), first.take(np.arange(50)))
    assert ranking(wrong(last), last.accuracy).spearman > 0.6


def test_a_record_that_was_cut_off_is_read_and_goes_on(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, plan = tmp_path / "record.jsonl", Plan(("nb101",), (0,), None, tables)
    record.write_text(json.dumps(asdict(trial(ZERO, "trees", 0))) + '\n{"protocol": "zer')
    assert [t.key for t in read(record)] == [(ZERO, "trees", "macro", 0)]
    more = trial(LEAVE, "trees", 1)
    monkeypatch.setattr(harness, "_trials", lambda *_: [more])
    monkeypatch.setattr(Plan, "samples", lambda *_: {})
    assert compare(plan, record, lambda _: None) == read(record) == [trial(ZERO, "trees", 0), more]
    assert compare(plan, record, lambda _: None)[1:] == [more]


def test_a_record_tells_trials_of_another_limit_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, plan, whole = tmp_path / "record.jsonl", Plan((), (), 5), trial(ZERO, "trees", 0)
    record.write_text(json.dumps({k: v for k, v in asdict(whole).items() if k != "limit"}) + "\n")
    monkeypatch.setattr(harness, "_trials", lambda *_: [whole])
    limited = replace(whole, limit=5)
    assert compare(plan, record, lambda _: None) == [limited]
    assert read(record) == [whole, limited]
    assert compare(replace(plan, limit=None), record, lambda _: None) == [whole]


def test_tables_stand_between_the_marks_of_the_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    put(card, tables([trial(p, "trees", s) for p in (ZERO, LEAVE, FEW) for s in (0, 1)]))
    text = card.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| macro | 10 | 1.000 ±0.000 |" in text


def test_a_card_without_marks_is_left_alone(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("mine")
    with pytest.raises(NascError, match="no place for the figures"):
        put(card, "new")
    assert card.read_text() == "mine"


def test_the_trees_say_what_they_need(networks: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(NascError) as caught:
        Trees()([networks], 0)
    assert str(caught.value) == ("error: the trees of the harness need scikit-learn\n  help: pip install 'nasc[trees]'")
