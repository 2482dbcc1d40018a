"""The families of benchmark strings by name: how a string looks, and what makes a network of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...ir import Module, NascError, did_you_mean
from .accel import decode as accel
from .channel_resnet import decode as channel
from .darts import decode as darts
from .nasbench_macro import decode as macro
from .nb101 import decode as nb101
from .nb201 import decode as nb201
from .nds import decode as nds
from .ofa import decode as ofa
from .transnas_macro import decode as transnas_macro
from .transnas_micro import decode as transnas_micro

LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Family:
    """A benchmark whose networks are named by strings: an example of one, and its decoder."""

    name: str
    example: str
    decode: Callable[[str], Module]


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family("accel", "_".join(["e6k3l1se0"] * 7), accel),
            Family("channel", "4432214", channel),
            Family(
                "darts",
                "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], "
                "reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=range(2, 3))",
                darts,
            ),
            Family("macro", "02012100", macro),
            Family("nb101", "100110100001001010101:02001", nb101),
            Family(
                "nb201",
                "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|",
                nb201,
            ),
            Family(
                "nds",
                '{"block_type": "res_basic_block", "ds": [1, 5, 2, 3, 10], "ws": [32, 32, 32, 192, 128], '
                '"ss": [4, 1, 2, 2, 2]}',
                nds,
            ),
            Family("ofa", "k57553337553773335555_e43444634434336664344_d23243_r224", ofa),
            Family("transnas_macro", "64-4443-basic", transnas_macro),
            Family("transnas_micro", "64-41414-1_23_130", transnas_micro),
        )
    }
)
"""Families by name, each string written ``NAME:STRING``."""


def decode(family: str, text: str) -> Module:
    """Return the network that a string of a family names, types filled in.

    Raises:
        NascError: with the nearest family, or the place in the string and what would be right there.
    """
    if family not in FAMILIES:
        raise NascError.of(f"there is no family {family!r}", did_you_mean(family, FAMILIES), "cell-family")
    if len(text) > LONGEST:
        raise NascError.of(f"the string has {len(text)} characters", f"expected at most {LONGEST}", "cell-string")
    return FAMILIES[family].decode(text.strip())
