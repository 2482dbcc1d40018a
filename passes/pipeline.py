"""Passes and pipelines of them: what turns a module into another, and what may watch it happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import ClassVar, Protocol, runtime_checkable

from ..ir import Module, NascError, verify


@runtime_checkable
class Pass(Protocol):
    """A frozen dataclass whose fields are its options; the same module back means that nothing changed."""

    name: ClassVar[str]

    def __call__(self, module: Module) -> Module:
        """Return the module after this pass. Raises NascError where the module is wrong."""
        ...


@dataclass(frozen=True)
class Step:
    """One pass that ran: its place in the pipeline, the modules before and after it and the time it took."""

    index: int
    name: str
    before: Module
    after: Module
    seconds: float

    @property
    def changed(self) -> bool:
        """Whether the pass returned another module."""
        return self.after is not self.before


Instrument = Callable[[Step], None]


@dataclass(frozen=True)
class Pipeline:
    """Passes that run one after the other; itself a pass. Instruments are told of each step."""

    name: ClassVar[str] = "pipeline"
    passes: tuple[Pass, ...]
    instruments: tuple[Instrument, ...] = ()

    def __call__(self, module: Module) -> Module:
        """Return the module after all passes. Raises NascError from the first pass that fails."""
        for index, one in enumerate(self.passes):
            start = perf_counter()
            after = one(module)
            step = Step(index, one.name, module, after, perf_counter() - start)
            for instrument in self.instruments:
                instrument(step)
            module = after
        return module

    def watched(self, *instruments: Instrument) -> Pipeline:
        """Return this pipeline with more instruments."""
        return replace(self, instruments=(*self.instruments, *instruments))


@dataclass
class Timing:
    """Instrument that keeps the time of each pass."""

    steps: list[Step] = field(default_factory=lambda: list[Step]())

    def __call__(self, step: Step) -> None:
        """Keep a step."""
        self.steps.append(step)

    def report(self) -> str:
        """Return one line a pass: milliseconds, name, and whether it changed anything."""
        return "\n".join(
            f"{step.seconds * 1000:9.1f} ms  {step.name}{'' if step.changed else '  (no change)'}"
            for step in self.steps
        )


@dataclass(frozen=True)
class PrintAfter:
    """Instrument that writes the text of the module after each pass that changed it."""

    write: Callable[[str], object]
    names: Sequence[str] = ()

    def __call__(self, step: Step) -> None:
        """Write the module, under a heading that says after which pass."""
        from ..grammar import print_module

        if step.changed and (not self.names or step.name in self.names):
            self.write(f"// ---- after {step.index + 1}: {step.name}\n{print_module(step.after)}")


def verify_after(step: Step) -> None:
    """Instrument that holds every module to the verifier. Raises NascError naming the pass at fault."""
    found = [d for d in verify(step.after) if d.severity == "error"]
    if step.changed and found:
        named = [replace(d, message=f"after pass {step.index + 1} ({step.name}): {d.message}") for d in found]
        raise NascError(*named)
