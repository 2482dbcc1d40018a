"""The table of passes that a pipeline can name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .canonicalization import Canonicalize
from .checking import Check, Infer
from .inlining import Inline
from .legalization import Legalize
from .outlining import Outline
from .pipeline import Pass
from .raising import Raise
from .relevance import Relevance
from .transposes import CancelTransposes

PASSES: Mapping[str, type[Pass]] = MappingProxyType(
    {
        one.name: one
        for one in (Infer, Check, Canonicalize, CancelTransposes, Raise, Inline, Outline, Legalize, Relevance)
    }
)
