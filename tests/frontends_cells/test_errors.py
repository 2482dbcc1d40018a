"""What each malformed string is told, held to one golden text.

``NASC_UPDATE_GOLDEN=1 pytest tests/frontends_cells/test_errors.py`` writes it anew.
"""

import os
from pathlib import Path

import pytest

from nasc.frontends import lower_source
from nasc.ir import NascError

GOLDEN = Path(__file__).parents[1] / "golden" / "cells" / "errors.txt"
NB201 = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
OFA = "k57553337553773335555_e43444634434336664344_d23243_r224"
ACCEL = "e6k3l1se0_e4k5l2se0_e6k3l3se0_e6k5l3se0_e6k5l2se0_e1k3l2se0_e1k3l2se0"
DARTS = "Genotype(normal=[('skip_connect', 0), ('none', 1)], normal_concat=[2], reduce=[('none', 0), ('none', 1)], "
CASES = {
    "family": "nb202:" + NB201,
    "nb201 operation": "nb201:" + NB201.replace("skip_connect", "skip_conect"),
    "nb201 two mistakes": "nb201:" + NB201.replace("skip_connect~1", "skip~3"),
    "nb201 twice": "nb201:" + NB201.replace("skip_connect~1", "skip_connect~0"),
    "nb201 no source": "nb201:" + NB201.replace("skip_connect~1", "skip_connect"),
    "nb201 cut": "nb201:" + NB201[:45],
    "nb201 too few edges": "nb201:" + NB201.replace("none~1|", ""),
    "nb201 too few nodes": "nb201:" + NB201[:42],
    "nb101 digits": "nb101:1001101000010010101012:02041",
    "nb101 length": "nb101:10011:02",
    "nb101 without operations": "nb101:100110100001001010101",
    "nb101 no path": "nb101:100:0",
    "nb101 too many operations": "nb101:1:" + "0" * 31,
    "macro": "macro:02013103",
    "macro length": "macro:0201",
    "channel": "channel:44322145",
    "transnas parts": "transnas_micro:64-41414",
    "transnas channels": "transnas_micro:1-41414-1_23_130",
    "transnas modules": "transnas_micro:64-41514-1_23_130",
    "transnas halvings": "transnas_macro:64-444444-basic",
    "transnas nodes": "transnas_micro:64-41414-1_23",
    "transnas operation": "transnas_micro:64-41414-1_24_130",
    "transnas edges": "transnas_micro:64-41414-1_23_13",
    "transnas block": "transnas_macro:64-41414-basics",
    "transnas other space": "transnas_macro:64-41414-1_23_130",
    "accel stage": "accel:" + ACCEL.replace("e4k5l2se0", "e4k5se0"),
    "accel value": "accel:" + ACCEL.replace("e4k5l2se0", "e4k7l2se0"),
    "accel stages": "accel:e6k3l1se0_e4k5l2se0",
    "ofa parts": "ofa:k5_e4",
    "ofa letter": "ofa:" + OFA.replace("_e4", "_4"),
    "ofa kernel": "ofa:" + OFA.replace("k5", "k4"),
    "ofa depth": "ofa:" + OFA.replace("d2", "d"),
    "ofa size": "ofa:" + OFA.replace("r224", "r2240"),
    "darts operation": "darts:" + DARTS.replace("'skip_connect'", "'skip_conv'") + "reduce_concat=[2])",
    "darts state": "darts:" + DARTS.replace("'skip_connect', 0", "'skip_connect', 2") + "reduce_concat=[2])",
    "darts concat": "darts:" + DARTS + "reduce_concat=range(2, 6))",
    "darts missing field": "darts:" + DARTS + ")",
    "darts unknown field": "darts:" + DARTS + "reduce_concat=[2], widht=16)",
    "darts code": "darts:" + DARTS + "reduce_concat=__import__('os').sep)",
    "darts cut": "darts:" + DARTS,
    "nds quotes": "nds:{'ds: [1]}",
    "nds list": "nds:[1, 2]",
    "nds block": 'nds:{"block_type": "res_basic_blok", "ds": [1, 2], "ws": [16, 32], "ss": [1, 2]}',
    "nds lengths": 'nds:{"block_type": "res_basic_block", "ds": [1, 2], "ws": [16, 32, 64], "ss": [1, 2]}',
    "nds stem": 'nds:{"block_type": "res_basic_block", "ds": [1, 2], "ws": [16, 32], "ss": [2, 2]}',
    "nds groups": 'nds:{"block_type": "res_bottleneck_block", "ds": [1, 2], "ws": [16, 32], "ss": [1, 2], '
    '"num_gs": [1, 5]}',
    "nds twice": 'nds:{"ds": [1], "ds": [2]}',
}


def test_each_error_says_where_what_and_what_would_be_right() -> None:
    told: list[str] = []
    for case, source in CASES.items():
        with pytest.raises(NascError) as caught:
            lower_source(source)
        told.append(f"== {case}\n{caught.value.render()}\n")
    text = "\n".join(told)
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_inputs_of_a_benchmark_are_fixed() -> None:
    with pytest.raises(NascError, match="leave --input out"):
        lower_source("macro:02012100", ["1x3x64x64"])
