"""What lowering gives: a module, the tensors that its nodes own, and what was noticed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..ir import Diagnostic, Module

if TYPE_CHECKING:
    from torch import Tensor


def _no_weights() -> Mapping[str, Tensor]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Lowered:
    """A lowered model.

    ``weights`` holds every tensor by its state-dict key, exactly as ``model.state_dict()`` names them, and after
    them the buffers and constants that the state dict leaves out; it is empty for sources that are text.
    ``diagnostics`` are warnings: what was given up to lower the model at all.
    """

    module: Module
    weights: Mapping[str, Tensor] = field(default_factory=_no_weights)
    diagnostics: tuple[Diagnostic, ...] = ()
