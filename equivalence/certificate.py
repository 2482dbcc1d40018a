"""The certificate: what was run, how far the results were apart, and what was not tested."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ..ir import counted


@dataclass(frozen=True)
class Options:
    """What is tested.

    ``batches`` are the sizes of the symbolic batch, ``seeds`` how many times numbers are drawn: inputs each time,
    and from the second time on noise on the weights too. ``train`` runs training mode as well, where both sides can.
    ``tolerance`` replaces the limit of all floating dtypes.
    """

    batches: tuple[int, ...] = (1, 2, 3)
    seeds: int = 2
    train: bool = True
    tolerance: float | None = None


@dataclass(frozen=True)
class Side:
    """One of the two models: its name, how it was run, how many weights it has."""

    name: str
    how: str
    params: int
    digest: str = ""


@dataclass(frozen=True)
class Check:
    """One tensor of both models compared: an output, a gradient or a buffer, in one run."""

    mode: str
    kind: str
    name: str
    batch: int
    seed: int
    dtype: str
    error: float
    limit: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the two were equal."""
        return not self.note and self.error <= self.limit


@dataclass(frozen=True)
class Fault:
    """The first node at which the two models differ: what it is on each side, and how far its results are apart."""

    message: str
    a: str = ""
    b: str = ""
    error: float | None = None
    limit: float | None = None
    checked: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """The result of a test of equivalence. It is a test: it proves nothing about inputs that were not run."""

    a: Side
    b: Side
    equal: bool
    inputs: tuple[str, ...]
    weights: str
    checks: tuple[Check, ...]
    untested: tuple[str, ...] = ()
    fault: Fault | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def same_structure(self) -> bool | None:
        """Whether the two are one network by their digests; None where one of them could not be lowered."""
        return self.a.digest == self.b.digest if self.a.digest and self.b.digest else None

    def __str__(self) -> str:
        """Return the certificate as people read it."""
        return as_text(self)


def as_data(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as plain data; an infinite error is the word ``infinite``."""
    plain = asdict(certificate)
    plain["checks"] = [{**asdict(check), "passed": check.passed} for check in certificate.checks]
    return {"verdict": verdict(certificate), "same_structure": certificate.same_structure, **_finite(plain)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return "infinite" if value == float("inf") else value


def verdict(certificate: Certificate) -> str:
    """Return the result in two words."""
    return "tested: equal" if certificate.equal else "tested: different"


def as_text(certificate: Certificate) -> str:
    """Return a certificate as lines of text."""
    width = max(len(certificate.a.name), len(certificate.b.name))
    lines = [verdict(certificate)]
    for letter, side in (("A", certificate.a), ("B", certificate.b)):
        lines.append(f"  {letter:<10} {side.name:<{width}}  {side.how}; {counted(side.params, 'weight')}")
    structure = {True: "one network, by its digest", False: "two networks: see nasc diff A B", None: "not compared"}
    lines += [f"  structure  {structure[certificate.same_structure]}", f"  weights    {certificate.weights}"]
    lines += [f"  {'inputs' if i == 0 else '':<10} {text}" for i, text in enumerate(certificate.inputs)]
    lines += [f"  {name:<10} {text}" for name, text in _rows(certificate.checks)]
    lines += [f"  not tested {text}" for text in certificate.untested]
    lines += [f"  note       {text}" for text in certificate.notes]
    return "\n".join(lines + _fault(certificate.fault))


def _rows(checks: tuple[Check, ...]) -> list[tuple[str, str]]:
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.mode, check.kind, check.dtype), []).append(check)
    return [(mode, _row(kind, dtype, group)) for (mode, kind, dtype), group in groups.items()]


def _row(kind: str, dtype: str, group: list[Check]) -> str:
    worst = max(group, key=lambda check: (bool(check.note), check.error))
    names = {check.name for check in group}
    runs = {(check.batch, check.seed) for check in group}
    count = f"{counted(len(names), kind)} in {counted(len(runs), 'run')}"
    if worst.note:
        return f"{count}: {worst.note} (batch {worst.batch}, seed {worst.seed})"
    place = f" at {worst.name}, batch {worst.batch}, seed {worst.seed}" if worst.error > 0 else ""
    mark = "" if worst.passed else "  DIFFERENT"
    return f"{count}: {dtype}, largest error {worst.error:.1e}{place}; {worst.limit:.0e} allowed{mark}"


def _fault(fault: Fault | None) -> list[str]:
    if fault is None:
        return []
    lines = [f"  first difference: {fault.message}"]
    lines += [f"    {letter}  {text}" for letter, text in (("A", fault.a), ("B", fault.b)) if text]
    if fault.error is not None and fault.limit is not None:
        lines.append(
            f"    error {fault.error:.1e}, {fault.limit:.0e} allowed; {counted(fault.checked, 'equal value')} before it"
        )
    return lines + [f"    {text}" for text in fault.also]
