"""The predictor of the searches on NAS-Bench-201: trained on every family but that one: it knows no label of it."""

from __future__ import annotations

import os
from pathlib import Path

from nasc.predictor.prediction import ENVIRONMENT, SHIPPED
from nasc.predictor.training import SHIPPED_FAMILIES, Config, train


def unseen(folder: Path, family: str = "nb201") -> Path:
    """Return the weights of a predictor that was trained as the shipped one, without a family; train it where need be.

    Every ``Predictor.load()`` of this process and of those that it starts takes them from now on.
    """
    path = folder / f"weights-without-{family}"
    if not (path / SHIPPED.name).is_file():
        config = Config(families=tuple(name for name in SHIPPED_FAMILIES if name != family))
        train(config=config, output=path, on_event=lambda said: print(said, flush=True))
    os.environ[ENVIRONMENT] = str(path)
    return path
