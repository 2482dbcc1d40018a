"""Training of an ensemble on one family: resumable, and the same result however often it was killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """What a training run depends on.

    ``networks`` of the family are used, a tenth of them only to measure the error; ``members`` networks of
    the given sizes are trained from seeds ``seed``, ``seed + 1`` ... for ``epochs`` passes in batches of
    ``batch`` graphs. ``inserted`` is the share of edges on which a masked node is put, so that the mask token
    means "lets its input through"; ``alone`` weighs the loss of the monotone part by itself.
    """

    family: str = "nb101"
    networks: int = 12000
    members: int = 3
    epochs: int = 6
    batch: int = 128
    rate: float = 3e-3
    decay: float = 1e-2
    inserted: float = 0.05
    alone: float = 1.0
    width: int = 32
    layers: int = 4
    hidden: int = 32
    bound: float = 0.75
    seed: int = 0


def train(
    *,
    data_dir: str | Path | None = None,
    output: str | Path | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    on_event: Callable[[str], None] | None = None,
    config: Config | None = None,
) -> Path:
    """Train the predictor and return the weights file that was written into the folder ``output``.

    ``output`` is the folder of the shipped weights where it is left out. A run that was killed goes on where
    it stopped when it is started with the same arguments: checkpoints lie beside the weights and go when they
    are written. Raises NascError where the family's table is not there.
    """
    from dataclasses import replace

    from .fitting import fit
    from .prediction import SHIPPED

    chosen = replace(config or Config(), seed=seed)
    chosen = replace(chosen, epochs=chosen.epochs if epochs is None else epochs)
    chosen = replace(chosen, networks=chosen.networks if limit is None else limit)
    folder = SHIPPED.parent if output is None else Path(output)
    return fit(chosen, data_dir, folder, on_event or (lambda _: None))
