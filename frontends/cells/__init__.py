"""Benchmark strings as networks: the whole network that the benchmark trained, stem to classifier."""

from .channel_resnet import channel_resnet
from .families import FAMILIES, Family, decode
from .nasbench_macro import nasbench_macro
from .nb101 import nb101
from .nb201 import nb201

__all__ = ["FAMILIES", "Family", "channel_resnet", "decode", "nasbench_macro", "nb101", "nb201"]
