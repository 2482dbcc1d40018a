"""Training of an ensemble on many families: resumable, and the same result however often it was killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHIPPED_FAMILIES = (
    "nb101",
    "nb201",
    "transnas_micro",
    "transnas_macro",
    "macro",
    "channel",
    "ofa",
    "accel",
    "nds_amoeba",
    "nds_darts",
    "nds_enas",
    "nds_nasnet",
    "nds_pnas",
    "nds_resnext_a",
    "nds_resnext_b",
)
"""All families but those whose learning rates were drawn at random, and the one that was trained for five epochs."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a training run depends on.

    The first of the ``families`` sets the scale of the score; of it ``networks`` are used and of each other at most
    ``others``, a tenth of them only to measure the error. ``members`` networks of the given sizes are trained from
    seeds ``seed``, ``seed + 1`` ... for ``epochs`` passes in batches of
    ``batch`` graphs. ``inserted`` is the share of edges on which a masked node is put, so that the mask token
    means "lets its input through"; ``alone`` weighs the loss of the monotone part by itself.
    """

    families: tuple[str, ...] = SHIPPED_FAMILIES
    networks: int = 3000
    others: int = 500
    members: int = 2
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
