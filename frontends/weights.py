"""Weights on disk: safetensors beside the text, by state-dict key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..ir import NascError
from ..ir.files import whole

if TYPE_CHECKING:
    from torch import Tensor


def write_weights(path: str | os.PathLike[str], weights: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all; tensors that share memory are written once a key.

    Raises:
        NascError: where the folder does not exist or cannot be written.
    """
    from safetensors.torch import save_file

    try:
        with whole(path) as part:
            save_file(_apart(weights), part)
    except OSError as error:
        raise NascError.of(
            f"cannot write {os.fspath(path)}: {error.strerror}",
            "name a file in a folder that you may write",
            "weights",
        ) from error


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by their keys. Raises NascError where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(os.fspath(path))
    except (OSError, SafetensorError) as error:
        raise NascError.of(
            f"cannot read weights from {os.fspath(path)}: {error}",
            "expected a safetensors file, as `nasc lower --weights` writes it",
            "weights",
        ) from error


def _apart(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous tensors of which no two share memory, as the format demands."""
    seen: set[int] = set()
    apart: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        whole = tensor.detach().cpu().contiguous()
        place = whole.untyped_storage().data_ptr()
        apart[key] = whole.clone() if place in seen else whole
        seen.add(place)
    return apart
