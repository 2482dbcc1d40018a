"""Recurrent layers: LSTM, GRU and the plain one, of several layers and both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .. import attributes as at
from ..dims import Dim
from ..op import Layer, Op, Slot, Spelling, Types, declare
from ..types import TensorType
from .rules import need_rank


class Recurrent(Op):
    """What the recurrent layers share: the sequence goes in with an initial state, zeros where it is left out.

    The sequence is ``[L,N,C]``, or ``[N,L,C]`` with ``batch_first``. The results are the outputs of the last layer at
    each step, and the state of each layer and direction after the last step.
    """

    floating: ClassVar[bool] = True
    gates: ClassVar[int] = 1
    hidden_size: Dim
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool

    @property
    def directions(self) -> int:
        """How many directions each layer reads the sequence in."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> Dim:
        """The width of the output of one direction."""
        return self.hidden_size

    def infer(self, operands: Types) -> Types:
        x, *initial = operands
        need_rank(x, [3], self.name, "[N,L,C]" if self.batch_first else "[L,N,C]")
        result = x.with_shape(*x.shape[:-1], self.output_size * self.directions)
        states = self._states(x)
        if initial and len(initial) != len(states):
            raise at.diagnostic(f"{self.name} has an initial state in part", f"expected all {len(states)} or none")
        for actual, wanted in zip(initial, states, strict=False):
            if actual.shape != wanted.shape:
                raise at.diagnostic(f"{self.name} has an initial state {actual}", f"expected {wanted}", "shape-clash")
        return (result, *states)

    def _states(self, x: TensorType) -> Types:
        """Return the types of the final states."""
        return (self._state(x, self.output_size),)

    def _state(self, x: TensorType, width: Dim) -> TensorType:
        batch = x.shape[0 if self.batch_first else 1]
        return x.with_shape(self.num_layers * self.directions, batch, width)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        x = operands[0]
        slots: list[Slot] = []
        for layer in range(self.num_layers):
            width = self.output_size * self.directions if layer else x.shape[-1]
            for end in ("", "_reverse")[: self.directions]:
                slots += self._slots(x, f"_l{layer}{end}", width)
        return tuple(slots)

    def _slots(self, x: TensorType, end: str, width: Dim) -> list[Slot]:
        rows = self.hidden_size * self.gates
        slots = [
            Slot(f"weight_ih{end}", x.with_shape(rows, width)),
            Slot(f"weight_hh{end}", x.with_shape(rows, self.output_size)),
        ]
        if self.bias:
            slots += [Slot(f"bias_ih{end}", x.with_shape(rows)), Slot(f"bias_hh{end}", x.with_shape(rows))]
        return slots

    def macs(self, operands: Types, results: Types) -> Dim:
        """Every matrix of the state is applied once a step."""
        x = operands[0]
        steps: Dim = 1
        for size in x.shape[:-1]:
            steps = steps * size
        total: Dim = 0
        for slot in self.state(operands):
            if slot.type.rank == 2:
                total = total + slot.type.numel
        return steps * total

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        return {"input_size": operands[0].shape[-1]}


_POSITIONAL = ("input_size", "hidden_size")


@declare
class Lstm(Recurrent):
    """Long short-term memory; gives the outputs, the last hidden and the last cell states."""

    name: ClassVar[str] = "lstm"
    operands: ClassVar[tuple[str, ...]] = ("x", "h0?", "c0?")
    gates: ClassVar[int] = 4
    torch: ClassVar[Spelling] = Layer("nn.LSTM", _POSITIONAL)
    hidden_size: Dim = at.dim(low=1)
    num_layers: int = at.integer(1, low=1)
    bias: bool = at.flag(True)
    batch_first: bool = at.flag(False)
    dropout: float = at.real(0.0, low=0, high=1)
    bidirectional: bool = at.flag(False)
    proj_size: Dim = at.dim(0, low=0)

    def infer(self, operands: Types) -> Types:
        width, hidden = self.proj_size, self.hidden_size
        if isinstance(width, int) and isinstance(hidden, int) and width >= hidden:
            raise at.diagnostic(f"proj_size={width} is not less than hidden_size={hidden}", f"at most {hidden - 1}")
        return super().infer(operands)

    @property
    def output_size(self) -> Dim:
        return self.hidden_size if self.proj_size == 0 else self.proj_size

    def _states(self, x: TensorType) -> Types:
        return self._state(x, self.output_size), self._state(x, self.hidden_size)

    def _slots(self, x: TensorType, end: str, width: Dim) -> list[Slot]:
        slots = super()._slots(x, end, width)
        if self.proj_size != 0:
            slots.append(Slot(f"weight_hr{end}", x.with_shape(self.proj_size, self.hidden_size)))
        return slots


@declare
class Gru(Recurrent):
    """Gated recurrent unit; gives the outputs and the last hidden states."""

    name: ClassVar[str] = "gru"
    operands: ClassVar[tuple[str, ...]] = ("x", "h0?")
    gates: ClassVar[int] = 3
    torch: ClassVar[Spelling] = Layer("nn.GRU", _POSITIONAL)
    hidden_size: Dim = at.dim(low=1)
    num_layers: int = at.integer(1, low=1)
    bias: bool = at.flag(True)
    batch_first: bool = at.flag(False)
    dropout: float = at.real(0.0, low=0, high=1)
    bidirectional: bool = at.flag(False)


@declare
class Rnn(Recurrent):
    """``h' = tanh(W x + b + U h + c)``, or with relu; gives the outputs and the last hidden states."""

    name: ClassVar[str] = "rnn"
    operands: ClassVar[tuple[str, ...]] = ("x", "h0?")
    torch: ClassVar[Spelling] = Layer("nn.RNN", _POSITIONAL)
    hidden_size: Dim = at.dim(low=1)
    num_layers: int = at.integer(1, low=1)
    nonlinearity: str = at.word("tanh", "relu", default="tanh")
    bias: bool = at.flag(True)
    batch_first: bool = at.flag(False)
    dropout: float = at.real(0.0, low=0, high=1)
    bidirectional: bool = at.flag(False)
