"""The tensors that a program owns: which layer each belongs to, and their values where these are architecture."""

from __future__ import annotations

import base64
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

DATA_LIMIT = 256 * 1024
_KINDS = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


@dataclass(frozen=True)
class Owned:
    """One tensor of a program: its key, its value, whether it is trained, whether the state dict has it."""

    key: str
    tensor: Tensor
    trained: bool
    persistent: bool

    @property
    def is_table(self) -> bool:
        """Whether the tensor is architecture and no weight: neither trained nor a floating-point buffer."""
        weights = self.persistent and (self.tensor.is_floating_point() or self.tensor.is_complex())
        return not weights and not self.trained

    @property
    def data(self) -> str:
        """The value in the text form, for tensors that are architecture and not weights; "" for others."""
        return encode(self.tensor) if self.is_table else ""


class State:
    """All tensors of a program, by the names of the placeholders that stand for them."""

    def __init__(self, program: ExportedProgram) -> None:
        """Read the program's signature."""
        self._owned: dict[str, Owned] = {}
        persistent = frozenset(program.state_dict)
        first = first_keys(program.state_dict)
        for spec in program.graph_signature.input_specs:
            if spec.kind in _KINDS and spec.target is not None:
                tensor = program.state_dict.get(spec.target, program.constants.get(spec.target))
                if isinstance(tensor, Tensor):
                    trained = spec.kind is InputKind.PARAMETER
                    key = first.get(spec.target, spec.target)
                    owned = Owned(key, tensor.detach(), trained, spec.target in persistent)
                    self._owned[spec.arg.name] = owned
        self._under: dict[str, set[str]] = defaultdict(set)
        for key in {first.get(k, k) for k in persistent} | {owned.key for owned in self._owned.values()}:
            parts = key.split(".")
            for depth in range(1, len(parts)):
                self._under[".".join(parts[:depth])].add(".".join(parts[depth:]))

    def get(self, placeholder: str) -> Owned | None:
        """Return the tensor that a placeholder stands for; None for inputs of the model."""
        return self._owned.get(placeholder)

    def layer(self, slots: Sequence[tuple[str, str]], extra: Sequence[str] = ()) -> str | None:
        """Return the path whose tensors are exactly these slots, given as (slot, placeholder) pairs.

        ``extra`` are slots that no operand of the call stands for: ``num_batches_tracked``. None means that the
        tensors are not those of one layer: computed, shared between layers of other names, or not alone there.
        """
        prefixes: set[str] = set()
        for slot, placeholder in slots:
            owned = self.get(placeholder)
            if owned is None or not owned.key.endswith(f".{slot}"):
                return None
            prefixes.add(owned.key[: -len(slot) - 1])
        if len(prefixes) != 1:
            return None
        (prefix,) = prefixes
        return prefix if self._under[prefix] == {slot for slot, _ in slots} | set(extra) else None

    def constants(self) -> Mapping[str, Tensor]:
        """Return the tensors that the program uses and its state dict leaves out."""
        return {owned.key: owned.tensor for owned in self._owned.values() if not owned.persistent}


def encode(tensor: Tensor) -> str:
    """Return the values as base64 of zlib of little-endian row-major bytes; "" where that exceeds 256 KiB."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    packed = zlib.compress(raw, 9)
    return base64.b64encode(packed).decode() if len(packed) <= DATA_LIMIT else ""


def first_keys(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Return for every key the first one that names the same memory: tied tensors have one name."""
    first: dict[tuple[int, torch.Size], str] = {}
    names: dict[str, str] = {}
    for key, tensor in state.items():
        same = tensor.numel() > 0 and tensor.device.type != "meta"
        names[key] = first.setdefault((tensor.data_ptr(), tensor.shape), key) if same else key
    return names
