"""Tables: a search sees validation accuracy and cannot come by test accuracy."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nasc.frontends.cells.nb201 import nb201
from nasc.grammar import print_module
from nasc.ir import NascError
from nasc.search.evaluators import open_evaluator
from nasc.search.held_out import OPTIMUM, table_test

BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
HEADER = "arch,c10_val,c10_test,c100_val,c100_test,in16_val,in16_test"
DATA = os.environ.get("NASC_DATA_DIR", "")


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    with gzip.open(folder / "nb201.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join([header, *rows]) + "\n")
    return folder


def test_a_search_looks_validation_up_and_a_report_joins_the_test(tmp_path: Path) -> None:
    folder = table(tmp_path, f"{BEST},91.5,94.25,73.5,73.25,46.5,46.25")
    network = nb201(BEST)
    for task, accuracy in (("cifar10", 0.915), ("cifar100", 0.735), ("imagenet16", 0.465)):
        evaluator = open_evaluator(f"table:nb201:{task}", folder)
        assert evaluator.evaluate(network, 0).metrics == {"score": accuracy, "accuracy": accuracy}
    assert table_test(network, folder) == {"cifar10": 0.9425, "cifar100": 0.7325, "imagenet16": 0.4625}


PROBE = """\
import gc, json, sys
from nasc.grammar import parse
import nasc.search.spaces.nb201
from nasc.search.evaluators import open_evaluator
evaluator = open_evaluator("table:nb201:cifar10", sys.argv[1])
found = evaluator.evaluate(parse(sys.stdin.read()), 0)
word = sys.argv[2][::-1]
things = [thing for thing in gc.get_objects() if isinstance(thing, (dict, list, tuple, set))]
values = [value for thing in things for value in (list(thing.values()) if isinstance(thing, dict) else list(thing))]
print(json.dumps([
    dict(found.metrics),
    [name for name in sys.modules if "held_out" in name],
    sum(isinstance(value, float) and value in (float(word), float(word) / 100) for value in values),
    sum(isinstance(value, str) and word in value for value in values) - 1,
]))
"""


def test_test_accuracy_is_nowhere_in_a_process_that_searches(tmp_path: Path) -> None:
    folder = table(tmp_path, f"{BEST},91.5,12.3456,73.5,12.3456,46.5,12.3456")
    command = [sys.executable, "-c", PROBE, str(folder), "6543.21"]
    done = subprocess.run(command, input=print_module(nb201(BEST)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '[{"score": 0.915, "accuracy": 0.915}, [], 0, 0]'


def test_nothing_that_a_search_runs_imports_the_test_numbers() -> None:
    import nasc.search

    root = Path(nasc.search.__file__).parent
    imports = re.compile(r"^\s*(from|import)\b.*\bheld_out\b", re.MULTILINE)
    for room in ("engine", "evaluators", "spaces", "strategies", "store", "llm"):
        for file in sorted((root / room).rglob("*.py")):
            assert not imports.search(file.read_text(encoding="utf-8")), file


def test_a_table_that_cannot_be_read_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(NascError) as caught:
        open_evaluator("table:nb201:cifar10", table(tmp_path, header="arch,c10_test"))
    assert str(caught.value) == (
        f"error: {tmp_path}/nb201.csv.gz cannot be read as a table: 'c10_val' is not in list\n"
        "  help: expected a gzipped CSV with the columns arch and c10_val"
    )


@pytest.mark.skipif(not DATA, reason="NASC_DATA_DIR is not set")
def test_a_network_without_a_row_is_named(tmp_path: Path) -> None:
    other = BEST.replace("skip_connect", "nor_conv_1x1")
    with pytest.raises(NascError) as caught:
        open_evaluator("table:nb201:cifar10", table(tmp_path, f"{BEST},91,94,73,73,46,46")).evaluate(nb201(other), 0)
    assert str(caught.value) == (
        f"error: the table has no row {other}\n  help: expected the table of all 15,625 strings"
    )


def test_the_optimum_is_the_published_one() -> None:
    optima = {
        "cifar10": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
        "cifar100": BEST,
        "imagenet16": "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    }
    for task, arch in optima.items():
        assert table_test(nb201(arch))[task] == pytest.approx(OPTIMUM[task])


def test_without_the_folder_of_tables_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NASC_DATA_DIR", raising=False)
    with pytest.raises(NascError) as found:
        open_evaluator("table:nb201:cifar10")
    assert str(found.value) == (
        "error: table:nb201:cifar10 needs the benchmark's table\n"
        "  help: set NASC_DATA_DIR to the folder that has nb201.csv.gz"
    )
