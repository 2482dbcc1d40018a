"""The graph that the encoder sees: nodes that compute, with the norms and activations beside them folded in.

A *carrier* is a convolution (or linear map), an attention, a pooling, a sum ... Moving data (reshape,
dropout) is looked through. A norm or activation that alone reads a carrier, or alone feeds a convolution,
becomes a flag of it, so that conv-bn-relu and relu-conv-bn are one node each. Every node of the model knows
its carrier and its role there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .expansion import Expansion
from .kinds import FOLDED, JOINING, Kind
from .signatures import Signature

MAIN, NORM, ACTIVATION = 0, 1, 2
Place = tuple[int, int]


@dataclass(slots=True)
class Carrier:
    """One node of the encoder's graph."""

    signature: Signature
    kind: Kind
    sources: list[int]
    params: float
    fold_params: float = 0.0
    norm: bool = False
    activation: bool = False


@dataclass(slots=True)
class Carriers:
    """Carriers in topological order; ``places`` maps a node of the expansion to its carrier and role."""

    carriers: list[Carrier] = field(default_factory=list[Carrier])
    places: dict[int, Place] = field(default_factory=dict[int, Place])


@dataclass(slots=True)
class _Value:
    """The carrier that made a value (None: the input), and the nodes waiting for a convolution."""

    carrier: int | None
    waiting: tuple[int, ...] = ()


class _Folding:
    """The state of one pass over an expansion."""

    def __init__(self, expansion: Expansion) -> None:
        self.nodes = expansion
        self.users = _users(expansion)
        self.values: dict[int, _Value] = {}
        self.free_params: dict[int, float] = {}
        self.result = Carriers()

    def run(self) -> Carriers:
        for index in range(len(self.nodes.signatures)):
            if index in self.users:
                self._visit(index)
        return self.result

    def _visit(self, index: int) -> None:
        signature = self.nodes.signatures[index]
        operands = self.nodes.operands[index]
        data = [_Value(None) if i < 0 else self.values[i] for i in operands if i < 0 or i in self.values]
        free = sum(self.free_params.pop(i, 0.0) for i in operands if i >= 0)
        if signature.kind == Kind.ZERO:
            self._carry(index, [], free)
        elif not data:
            self.free_params[index] = free + signature.params
        elif signature.kind == Kind.PASS or (signature.kind in JOINING and len(data) < 2):
            self._look_through(index, data, free + signature.params)
        elif signature.kind in FOLDED:
            self._fold(index, data[0], free)
        else:
            self._carry(index, data, free)

    def _look_through(self, index: int, data: list[_Value], params: float) -> None:
        value = data[0]
        if len(data) > 1:
            value = max(data, key=lambda v: -1 if v.carrier is None else v.carrier)
        self.values[index] = value
        if value.carrier is not None:
            self.result.carriers[value.carrier].params += params

    def _fold(self, index: int, value: _Value, free: float) -> None:
        source = self.nodes.operands[index][0]
        if value.waiting or (not self._alone(source, value) and self._feeds_convolution(index)):
            self.values[index] = _Value(value.carrier, (*value.waiting, index))
        elif value.carrier is not None and self._alone(source, value):
            self._absorb(value.carrier, index)
            self.values[index] = value
        else:
            self._carry(index, [value], free)

    def _alone(self, source: int, value: _Value) -> bool:
        return value.carrier is not None and len(self.users.get(source, ())) == 1

    def _feeds_convolution(self, index: int) -> bool:
        """Return whether a chain of single readers leads from a norm or activation to a convolution."""
        while True:
            users = self.users[index]
            if len(users) != 1 or users[0] < 0:
                return False
            (index,) = users
            kind = self.nodes.signatures[index].kind
            if kind == Kind.CONV:
                return True
            if kind != Kind.PASS and kind not in FOLDED:
                return False

    def _carry(self, index: int, data: list[_Value], free: float) -> None:
        signature = self.nodes.signatures[index]
        sources = list(dict.fromkeys(v.carrier for v in data if v.carrier is not None))
        place = len(self.result.carriers)
        self.result.carriers.append(Carrier(signature, signature.kind, sources, signature.params + free))
        self.result.places[index] = (place, MAIN)
        for value in data:
            for waiting in value.waiting:
                self._absorb(place, waiting)
        self.values[index] = _Value(place)

    def _absorb(self, place: int, index: int) -> None:
        signature, carrier = self.nodes.signatures[index], self.result.carriers[place]
        norm = signature.kind == Kind.NORM
        carrier.norm |= norm
        carrier.activation |= not norm
        carrier.fold_params += signature.params
        self.result.places[index] = (place, NORM if norm else ACTIVATION)


def _users(expansion: Expansion) -> dict[int, list[int]]:
    """Return the readers of each live node, -1 being the output. What a product with zero reads is dead."""
    users: dict[int, list[int]] = {}
    for output in expansion.outputs:
        users.setdefault(output, []).append(-1)
    for index in range(len(expansion.signatures) - 1, -1, -1):
        if index in users and expansion.signatures[index].kind != Kind.ZERO:
            for operand in expansion.operands[index]:
                if operand >= 0:
                    users.setdefault(operand, []).append(index)
    return users


def fold(expansion: Expansion) -> Carriers:
    """Return the carriers of an expansion, dead nodes left out."""
    return _Folding(expansion).run()
