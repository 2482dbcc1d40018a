"""Measures of rankings, and the shipped predictor against what was measured."""

import gzip
import os
import random
from pathlib import Path

import numpy as np
import pytest

from nasc.ir import NascError
from nasc.predictor.evaluation import Scores, evaluate, ndcg, ranking
from nasc.predictor.families import FAMILIES, read_rows

ACCURACY = np.array([0.1, 0.9, 0.5, 0.7, 0.3])


def test_the_right_order_is_perfect() -> None:
    best = ranking(ACCURACY * 3 - 1, ACCURACY)
    assert (best.spearman, best.kendall, best.ndcg10) == pytest.approx((1, 1, 1))


def test_the_opposite_order_is_as_wrong_as_can_be() -> None:
    worst = ranking(-ACCURACY, ACCURACY)
    assert (worst.spearman, worst.kendall) == pytest.approx((-1, -1))
    assert worst.ndcg10 < 1


def test_ndcg_weighs_the_first_place_most() -> None:
    # gains 0, 1, 0.5, 0.75, 0.25; the chosen first has gain 0.5 where 1 was to be had
    assert ndcg(np.array([0, 1, 2, 0, 0.0]), ACCURACY, 1) == pytest.approx(0.5)
    assert ndcg(ACCURACY, np.ones(5), 3) == 1


@pytest.mark.skipif(not os.environ.get("NASC_DATA_DIR"), reason="NASC_DATA_DIR is not set")
def test_the_shipped_predictor_ranks_a_family_that_it_never_saw(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scores = evaluate("nb201", limit=300)
    assert scores.as_json()["count"] == 300
    ours, params = scores.rankers["predictor"], scores.rankers["params"]
    assert ours.spearman > max(params.spearman, 0.8)


def test_equal_scores_or_accuracies_rank_nothing() -> None:
    for scores, accuracy in ((np.ones(5), ACCURACY), (ACCURACY, np.ones(5)), (np.ones(1), np.ones(1)), ([], [])):
        found = ranking(np.asarray(scores), np.asarray(accuracy))
        assert np.isnan([found.spearman, found.kendall]).all()


def test_what_is_not_a_number_is_null_in_json() -> None:
    found = Scores("nb201", 1, {"params": ranking(np.ones(1), np.ones(1))}).as_json()
    assert found["rankers"] == {"params": {"spearman": None, "kendall": None, "ndcg10": 1.0}}


def test_networks_without_a_number_are_left_out(tables: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((tables / "nb101.csv.gz").read_bytes()).decode().splitlines()
    broken = [line.rpartition(",")[0] + end for line, end in zip(lines[3:], (",nan", ",inf", ",", ""), strict=False)]
    (tmp_path / "nb101.csv.gz").write_bytes(gzip.compress("\n".join([*lines[:3], *broken]).encode()))
    assert len(read_rows(FAMILIES["nb101"], tmp_path)) == 2


def test_a_damaged_table_is_said(tmp_path: Path) -> None:
    table = tmp_path / "nb201.csv.gz"
    whole = gzip.compress(b"arch,c10_test\n" + random.Random(0).randbytes(400).hex().encode())
    for content, said in (
        (whole[:-20], "nb201.csv.gz cannot be read: Compressed file ended before the end-of-stream marker was reached"),
        (gzip.compress(b"arch,c10_test\nx,90\n"), "nb201.csv.gz is not the table of nb201: KeyError: 'c100_test'"),
        (gzip.compress(b"arch,c10_test\n"), "nb201.csv.gz has no measured network of nb201"),
        (b"arch,c10_test\n", r"nb201.csv.gz cannot be read: Not a gzipped file \(b'ar'\)"),
    ):
        table.write_bytes(content)
        with pytest.raises(NascError, match=said):
            evaluate("nb201", data_dir=tmp_path)
