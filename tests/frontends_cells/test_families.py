"""Every family: its example lowers, reads back from text, and runs as PyTorch code with the same parameters."""

import gzip
import os
from collections.abc import Callable
from csv import DictReader
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import torch

from nasc.backends import emit_torch
from nasc.frontends import lower_source
from nasc.frontends.cells import FAMILIES, decode
from nasc.grammar import parse, print_module
from nasc.ir import Diagnostic, Module, NascError, evaluate, verify
from nasc.passes import cost

DATA = os.environ.get("NASC_DATA_DIR")
GENOTYPE = (  # DARTS_V2 of the authors' genotypes.py
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
SMALL = '{"block_type": "%s", "ds": [1, 1], "ws": [8, 16], "ss": [1, 2], "bot_muls": [1, 0.5], "num_gs": [1, 2]}'
HAND_COUNTED = {
    # stem 864 + 64 and 18,432 + 128; classifier 512 * 75 + 75; the cells hold nothing
    "transnas_micro:64-41414-0_00_000": 57_963,
    # stem as above with 8 channels: 108 + 8, 288 + 16; four convolutions 8x8x3x3 with 16 each; classifier 675
    "transnas_macro:8-1-basic": 108 + 8 + 288 + 16 + 4 * (576 + 16) + 675,
    # stem 3 * 8 * 9 + 16; 8 * 16 * 9 + 32 and 16 * 16 * 9 + 32; classifier 170
    "nds:" + SMALL % "double_plain_block": 232 + 1_184 + 2_336 + 170,
    # and a shortcut 8 * 16 + 32
    "nds:" + SMALL % "res_basic_block": 232 + 1_184 + 2_336 + 160 + 170,
    # 8 * 8 + 16, two groups of 4 * 4 * 9, + 16, and 8 * 16 + 32
    "nds:" + SMALL % "res_bottleneck_block": 232 + 80 + 288 + 16 + 160 + 160 + 170,
    f"darts:{GENOTYPE}": 3_349_342,  # as its authors' logs say
}


def emitted(module: Module) -> torch.nn.Module:
    namespace: dict[str, Callable[[], torch.nn.Module]] = {}
    exec(emit_torch(module), namespace)  # noqa: S102
    with torch.device("meta"):
        return namespace["build_model"]().eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_example_lowers_and_reads_back(family: str) -> None:
    source = f"{family}:{FAMILIES[family].example}"
    module = lower_source(source).module
    assert verify(module) == ()
    assert parse(print_module(module)) == module
    assert module.notes["source"] == source


@pytest.mark.parametrize("family", FAMILIES)
def test_the_example_runs_as_pytorch_code(family: str) -> None:
    module = decode(family, FAMILIES[family].example)
    model = emitted(module)
    assert sum(p.numel() for p in model.parameters()) == cost(module).params
    shape = [evaluate(size) for size in module.main.inputs[0].type.shape]
    out = model(torch.empty(shape, device="meta"))
    assert list(out.shape) == [evaluate(size) for size in module.main.output_types[0].shape]


@pytest.mark.parametrize("source", HAND_COUNTED)
def test_parameters_are_those_counted_by_hand(source: str) -> None:
    module = lower_source(source).module
    assert verify(module) == ()
    assert cost(module).params == HAND_COUNTED[source]


TABLES = {
    "channel": ("channel_resnet", "arch", "params", 1),
    "macro": ("nasbench_macro", "arch", "params", 1),
    "nds": ("nds_imagenet", "net_json", "params", 1),
    "ofa": ("ofa_mbv3_w10", "arch", "params", 1),
    "accel": ("accel_nasbench", "arch", "params_M", 1_000_000),
}


@pytest.mark.skipif(not DATA, reason="NASC_DATA_DIR is not set")
@pytest.mark.parametrize("family", TABLES)
def test_parameters_are_those_of_the_table(family: str) -> None:
    file, column, params, unit = TABLES[family]
    with gzip.open(Path(DATA or "") / f"{file}.csv.gz", "rt", newline="") as table:
        rows = list(islice(DictReader(table), 7, 2223, 141))
    assert len(rows) > 10
    for row in rows:
        made = cost(decode(family, row[column])).params
        # params_M is rounded to six significant digits
        assert f"{made / unit:.6g}" == f"{float(row[params]):.6g}", row[column]


@pytest.mark.skipif(not DATA, reason="NASC_DATA_DIR is not set")
@pytest.mark.parametrize("space", ["transnas_micro", "transnas_macro"])
def test_strings_of_tables_without_sizes_check(space: str) -> None:
    with gzip.open(Path(DATA or "") / f"{space.replace('nas_', 'nas101_')}.csv.gz", "rt", newline="") as table:
        for row in islice(DictReader(table), 3, 3200, 331):
            assert verify(decode(space, row["arch"])) == (), row["arch"]


def findings(family: str, text: str) -> tuple[Diagnostic, ...]:
    try:
        return verify(decode(family, text))
    except NascError as error:
        return error.diagnostics


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_strings_are_told_what_would_be_right(family: str) -> None:
    random = Random(family)
    example = FAMILIES[family].example
    for _ in range(60):
        i, j = sorted(random.sample(range(len(example) + 1), 2))
        new = "".join(random.choices("0123456789|~+_-:[]({}),\"'=aesk\n\0é²", k=random.randrange(3)))
        damaged = random.choice([example[:i] + new + example[j:], example[:i] + new + example[i:]])
        told = findings(family, damaged)
        assert all(finding.message and finding.hint for finding in told), damaged
