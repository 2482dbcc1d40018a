"""Training of an ensemble on many families: resumable, and the same result however often it was killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ir import NascError, did_you_mean

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
    "timm",
    "torchvision",
)
"""All families but those whose learning rates were drawn at random, and the one that was trained for five epochs."""

PARTS = ("trees", "encoder")
"""Parts of the score that a training can leave out."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a training run depends on.

    The first of the ``families`` sets the scale of the score; of it ``networks`` are used and of each other at most
    ``others``, a tenth of them only to see how well it went; of named models, which take seconds to read, ``models``.
    With a ``task``, families and labels of that task alone. The trunk has ``forests`` forests, grown from seeds
    ``seed``, ``seed + 1`` ... (0: slopes alone). ``members`` encoders of the given sizes are trained from the same
    seeds on at most ``graphs`` networks of a family, for ``epochs`` passes in batches of ``batch`` graphs, by ``loss``:
    ``pairs`` or ``regression``. ``inserted`` is the share of edges on which a masked node is put, so that the mask
    token means "lets its input through"; what an encoder adds is at most ``bound``.
    """

    families: tuple[str, ...] = SHIPPED_FAMILIES
    task: str = ""
    networks: int = 2000
    others: int = 400
    models: int = 60
    graphs: int = 300
    forests: int = 4
    members: int = 2
    epochs: int = 2
    batch: int = 128
    loss: str = "pairs"
    rate: float = 3e-3
    decay: float = 1e-2
    inserted: float = 0.05
    width: int = 32
    layers: int = 4
    hidden: int = 32
    bound: float = 0.3
    seed: int = 0


def train(
    *,
    data_dir: str | Path | None = None,
    output: str | Path | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    task: str | None = None,
    without: Sequence[str] = (),
    on_event: Callable[[str], None] | None = None,
    config: Config | None = None,
) -> Path:
    """Train the predictor and return the weights file that was written into the folder ``output``.

    ``output`` is the folder of the shipped weights where it is left out. A run that was killed goes on where
    it stopped when it is started with the same arguments: checkpoints lie beside the weights and go when they
    are written. ``task`` keeps to families and labels of one task; ``without`` leaves out some of ``PARTS``.
    Raises NascError where a family's table is not there, and for another task or part.
    """
    from dataclasses import replace

    from .fitting import fit
    from .prediction import SHIPPED
    from .tasks import checked_task

    chosen = replace(config or Config(), seed=seed)
    for part in without:
        if part not in PARTS:
            raise NascError.of(f"there is no part {part!r} to leave out", did_you_mean(part, PARTS), "part")
        chosen = replace(chosen, forests=0) if part == "trees" else replace(chosen, members=0)
    chosen = replace(chosen, task=checked_task(task)) if task else chosen
    chosen = replace(chosen, epochs=chosen.epochs if epochs is None else epochs)
    chosen = replace(chosen, networks=chosen.networks if limit is None else limit)
    folder = SHIPPED.parent if output is None else Path(output)
    return fit(chosen, data_dir, folder, on_event or (lambda _: None))
