"""The coverage benchmark: a few fast models go all the way, and its page counts what it was given."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("timm")
pytest.importorskip("torchvision")
pytest.importorskip("onnx2torch")
pytest.importorskip("onnxruntime")

from nasc.benchmarks.coverage import Job, chosen, done, run
from nasc.benchmarks.coverage_models import Subject
from nasc.benchmarks.coverage_row import ours
from nasc.benchmarks.coverage_table import document


@pytest.mark.parametrize("key", ["timm:test_mambaout", "torchvision:shufflenet_v2_x0_5", "transformers:clip_vision"])
def test_a_model_goes_all_the_way(key):
    row = ours(Subject(*key.split(":")))
    assert "problem" not in row, row["problem"]
    assert (row["lowered"], row["round_trip"], row["emitted"], row["batch"]) == (True, True, True, True)
    assert row["error"] <= 1e-4
    assert row["onnx"] <= 1e-4
    assert row["lines"] <= row["nodes"] + 40


def test_a_job_that_takes_too_long_or_too_much_is_a_row():
    jobs = [Job(Subject("timm", "no_such_model"), "ours"), Job(Subject("timm", "no_such_model"), "fx")]
    rows = {job.key: row for job, row in run(jobs, workers=2, seconds=60, memory=1 << 36)}
    assert all("no_such_model" in row["problem"] for row in rows.values())
    ((_, late),) = run([Job(Subject("transformers", "bert"), "ours")], workers=1, seconds=0, memory=1 << 36)
    assert late == {"problem": "took too long"}


def test_the_log_is_read_up_to_where_it_was_cut_off(tmp_path):
    log = tmp_path / "log.jsonl"
    assert done(log) == {}
    log.write_text(json.dumps({"job": "ours timm:a", "error": 0.0}) + '\n{"job": "ours ti', encoding="utf-8")
    assert done(log) == {"ours timm:a": {"job": "ours timm:a", "error": 0.0}}


def test_the_jobs_are_those_asked_for():
    assert [job.key for job in chosen("transformers", 1)] == [
        "ours transformers:bert",
        "fx transformers:bert",
        "onnx2torch transformers:bert",
    ]
    assert {job.task for job in chosen("peers", 1)} == {"fx", "onnx2torch"}


def test_the_page_counts_what_is_equal():
    good = {"lowered": True, "round_trip": True, "emitted": True, "nodes": 9, "export_s": 2.0, "ours_s": 0.1}
    rows: list[dict[str, Any]] = [
        {"job": "ours timm:a", **good, "error": 0.0, "onnx": 1e-7, "lines": 5, "batch": True},
        {"job": "ours timm:b", **good, "error": 0.5, "onnx": "no Scan | here"},
        {"job": "fx timm:a", "made": True, "error": 0.0},
        {"job": "fx timm:b", "problem": "TraceError: no"},
    ]
    page = document(rows)
    assert "| timm, one model a family | 2 of 2 | 2 of 2 | 1 of 2 | 1 of 2 | 5.0% (median), 5.0% at most |" in page
    assert "| timm, one model a family | 1 of 2 | 1 of 2 | 1 | 0 of 0 | 0 |" in page
    assert "| b | 9 | yes | yes | yes | 5.0e-01 | no Scan / here | - | fixed | 2.00 | 0.10 |" in page
