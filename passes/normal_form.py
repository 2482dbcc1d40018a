"""Normal form: what equal networks have in common, whatever they were written in."""

from __future__ import annotations

from ..ir import Module, digest, memoised
from .canonicalization import Canonicalize
from .inlining import inline
from .raising import Raise
from .transposes import CancelTransposes


def normal_form(module: Module, *, train: bool = False) -> Module:
    """Return a network flat, channels first, with layers for what is written out, and in canonical form.

    ``train`` keeps what counts in training only: dropout and the momentum of running statistics. Raises NascError
    where the module does not check.
    """
    return Canonicalize(train=train)(Raise()(CancelTransposes()(inline(module))))


@memoised
def network_digest(module: Module) -> str:
    """Return the digest of a network as it is evaluated: equal whatever it was written in. Raises NascError."""
    return digest(normal_form(module))
