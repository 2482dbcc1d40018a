"""Benchmark cell strings as networks: the whole network that the benchmark trained, stem to classifier."""

from .nb101 import nb101
from .nb201 import nb201

__all__ = ["nb101", "nb201"]
