"""Predictors that know no label of NAS-Bench-201: trained on every family but that one, or on NAS-Bench-101 alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nasc.predictor.prediction import ENVIRONMENT, SHIPPED
from nasc.predictor.training import SHIPPED_FAMILIES, Config, train


def unseen(folder: Path, family: str = "nb201") -> Path:
    """Return the weights of a predictor that was trained as the shipped one, without a family; train it where need be.

    Every ``Predictor.load()`` of this process and of those that it starts takes them from now on.
    """
    others = [name for name in SHIPPED_FAMILIES if name != family]
    path = trained(folder / f"weights-without-{family}", others)
    os.environ[ENVIRONMENT] = str(path)
    return path


def trained(path: Path, families: Sequence[str]) -> Path:
    """Return a folder with the weights of a predictor of these families, which is trained where they are not there."""
    if not (path / SHIPPED.name).is_file():
        config = Config(families=tuple(families))
        train(config=config, output=path, on_event=lambda said: print(said, flush=True))
    return path
