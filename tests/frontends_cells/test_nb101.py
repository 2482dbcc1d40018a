import csv
import gzip
import os
from itertools import islice
from pathlib import Path

import pytest

from nasc.frontends.cells import nb101
from nasc.frontends.cells.nb101 import pruned, read_matrix, vertex_channels
from nasc.ir import NascError, checked, evaluate, verify
from nasc.passes import cost

DATA = os.environ.get("NASC_DATA_DIR")


def test_a_cell_has_the_published_parameters() -> None:
    module = nb101("100110100001001010101", "02001")
    assert verify(module) == ()
    assert cost(module).params == 8_555_530


@pytest.mark.skipif(not DATA, reason="NASC_DATA_DIR is not set")
def test_parameters_are_those_of_the_benchmark() -> None:
    with gzip.open(Path(DATA or "") / "nb101.csv.gz", "rt") as file:
        rows = [row for row in islice(csv.DictReader(file), 0, 6000, 50) if row["params"]]
    wrong = [r["hash"] for r in rows if cost(nb101(r["adj_upper"], r["ops"])).params != int(float(r["params"]))]
    # 399 of 30,001 rows list the vertices in another order than the one trained, which moves the channel that is
    # left over when the output's channels do not divide evenly. None of the others differs.
    assert len(rows) > 100
    assert len(wrong) <= 0.03 * len(rows)


def test_channels_are_shared_among_the_vertices_that_lead_to_the_output() -> None:
    # three vertices between input and output, each fed by the input: 256 = 86 + 85 + 85
    kept, ops = pruned(read_matrix("1110" + "001" + "01" + "1", "000"), "000")
    channels = vertex_channels(kept, 128, 256)
    leading = [channels[v] for v in range(1, len(kept) - 1) if kept[v][-1]]
    assert leading == [86, 85, 85]
    assert len(ops) == len(kept) - 2


def test_vertices_off_every_path_are_left_out() -> None:
    # 0 -> 1 -> 3 and a vertex 2 that nothing reads
    matrix = read_matrix("110" + "01" + "0", "02")
    kept, ops = pruned(matrix, "02")
    assert ops == "0"
    assert len(kept) == 3


def test_a_cell_without_a_path_is_an_error() -> None:
    with pytest.raises(NascError, match="not reached"):
        nb101("100", "0")


def test_the_classifier_has_the_classes_asked_for() -> None:
    module = checked(nb101("101", "0", classes=100))
    assert [evaluate(size) for size in module.main.output_types[0].shape] == [1, 100]
