"""A trunk, several encoders trained alike from other seeds, a mixture, and the file that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..ir import NascError
from ..ir.files import whole
from .batch import batches
from .encoder import Encoder, Shape, variants_per_chunk
from .features import ROW, Arrays, Features
from .flaws import FLAWS
from .kernels.variants import Variants
from .mixture import Domain
from .statistics import NAMES, Columns, statistics
from .tasks import CONDITIONS, conditions
from .trunk import Trunk, made_for

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]
FORMAT = "nasc-predictor-3"


Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Card:
    """What a weights file says of itself.

    ``knots`` of a task are pairs (score, logit of accuracy), rising in both, by which a score reads as an accuracy;
    the first task is that of a network whose task has none. ``residual_std`` is the error on networks of families that
    were left out of the training.
    """

    shape: Shape
    family: str
    family_std: float
    residual_std: float
    knots: Mapping[str, Knots]
    recipe: dict[str, Any]

    def accuracy(self, score: float, task: str = "") -> float:
        """Return the accuracy of a score in a task, between 0 and 1; beyond the knots the last slope goes on."""
        x, y = np.array(self.knots.get(task) or next(iter(self.knots.values()))).T
        right = int(np.clip(np.searchsorted(x, score), 1, len(x) - 1))
        slope = (y[right] - y[right - 1]) / (x[right] - x[right - 1])
        return float(1 / (1 + np.exp(-(y[right] + slope * (score - x[right])))))

    @staticmethod
    def parse(data: Mapping[str, Any]) -> Card:
        """Return the card that was written as this JSON object."""
        shape = Shape(**data["shape"])
        knots = {task: tuple((float(x), float(y)) for x, y in pairs) for task, pairs in data["knots"].items()}
        rest = {key: value for key, value in data.items() if key not in ("shape", "knots")}
        return Card(shape=shape, knots=knots, **rest)


LEADING = len(NAMES) - len(FLAWS)
"""How many columns of :meth:`Ensemble.points` are statistics."""


class Ensemble:
    """A trunk and encoders; the spread of forests and encoders is part of the uncertainty."""

    def __init__(self, trunk: Trunk, members: Sequence[Encoder], card: Card, domain: Domain | None = None) -> None:
        """Put the members in evaluation mode. Without a domain, every network is in it."""
        self.trunk = trunk
        self.members = tuple(member.eval() for member in members)
        self.card = card
        self.domain = domain

    def in_domain(self, graphs: Sequence[Arrays], embeddings: Floats | None = None) -> Wide:
        """Return the share of training networks that are no likelier than each graph, [g]; see :class:`Mixture`.

        ``embeddings`` [g, d] are what :meth:`embeddings` gives, where they are known.
        """
        if not graphs or self.domain is None:
            return np.ones(len(graphs))
        return self.domain.share(self.points(graphs, embeddings))

    def points(self, graphs: Sequence[Arrays], embeddings: Floats | None = None) -> Wide:
        """Return what the mixture is of: statistics but flaws, and embeddings of graphs side by side, [g, s + d].

        What a flaw costs is known, so that it makes no network strange.
        """
        x = np.stack([g.statistics for g in graphs])[:, :LEADING]
        known = self.embeddings(graphs) if embeddings is None else embeddings
        return np.concatenate([x, known.astype(np.float64)], axis=1)

    @torch.inference_mode()
    def scores(
        self, graphs: Sequence[Arrays], tasks: Sequence[str] | str, embeddings: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return the scores and standard deviations of graphs, [g] each, in tasks: one for all, or one each."""
        if not graphs:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        x = np.stack([g.statistics for g in graphs])
        trunk = self.trunk.every(x, asked(tasks, len(graphs)))
        extra = np.zeros((1, len(graphs)), np.float32)
        if self.members:
            known = torch.from_numpy(self.embeddings(graphs) if embeddings is None else embeddings)
            parts = zip(self.members, known.chunk(len(self.members), dim=1), strict=True)
            extra = torch.stack([member.score(part, torch.from_numpy(x).float()) for member, part in parts]).numpy()
        spread = trunk.var(axis=0) + extra.var(axis=0) + self.card.residual_std**2
        return (trunk.mean(axis=0) + extra.mean(axis=0)).astype(np.float32), np.sqrt(spread).astype(np.float32)

    @torch.inference_mode()
    def embeddings(self, graphs: Sequence[Arrays]) -> Floats:
        """Return the embeddings of graphs, those of all members side by side, [g, d]."""
        width = 2 * self.card.shape.width * len(self.members)
        if not graphs or not self.members:
            return np.zeros((len(graphs), width), np.float32)
        parts = [torch.cat([member.embed(batch) for member in self.members], dim=1) for batch in batches(graphs)]
        return torch.cat(parts).numpy()

    @torch.inference_mode()
    def masked_scores(self, graph: Features, keep: NDArray[np.bool_], task: str) -> Floats:
        """Return the score in a task of each variant that keeps [v, 3, n] of a graph; see ``mask_places``."""
        size = variants_per_chunk(len(graph.kinds), self.card.shape.width)
        parts = [self._masked(graph, keep[i : i + size], task) for i in range(0, len(keep), size)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _masked(self, graph: Features, keep: NDArray[np.bool_], task: str) -> Floats:
        x = statistics(Columns.of(graph.layout), keep)
        once, place = np.unique(x, axis=0, return_inverse=True)  # layers of repeated blocks are missed alike
        scores = self.trunk(once, asked(task, len(once)))[place.ravel()]
        if self.members:
            kinds = torch.from_numpy(graph.kinds.astype(np.int64))
            variants = Variants.of(graph.edges, ~np.logical_and.reduce(keep, axis=1), self.card.shape.layers)
            rows, kept, numbers = torch.from_numpy(graph.rows), torch.from_numpy(keep), torch.from_numpy(x).float()
            every = [m.score(m.embed_variants(kinds, rows, kept, variants), numbers) for m in self.members]
            scores = scores + torch.stack(every).mean(dim=0).numpy()
        return scores.astype(np.float32)

    def write(self, path: Path) -> None:
        """Write everything as one safetensors file, atomically."""
        tensors = {
            f"{i}.{key}": t.contiguous() for i, m in enumerate(self.members) for key, t in m.state_dict().items()
        }
        tensors |= {f"trunk.{key}": _tensor(values) for key, values in self.trunk.arrays().items()}
        if self.domain is not None:
            tensors |= {f"domain.{key}": _tensor(values) for key, values in self.domain.arrays().items()}
        card = json.dumps({**asdict(self.card), **_made_for()})
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            save_file(tensors, part, metadata={"card": card})

    @staticmethod
    def read(path: Path) -> Ensemble:
        """Return the ensemble of a file. Raises NascError where it is missing, damaged or made for other features."""
        try:
            with safe_open(path, framework="pt") as file:
                text = (file.metadata() or {}).get("card", "{}")
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError) as error:
            raise _refused(path, f"cannot be read: {error}", "write them with `nasc train --output FOLDER`") from None
        try:
            data, wanted = json.loads(text), _made_for()
            fits = {key: data.pop(key, None) for key in wanted} == wanted
            ensemble = _ensemble(Card.parse(data), tensors) if fits else None
        except (ArithmeticError, LookupError, AttributeError, RuntimeError, TypeError, ValueError) as error:
            raise _refused(path, f"are damaged: {type(error).__name__}: {error}", AGAIN) from None
        if ensemble is None:
            raise _refused(path, "were made for other features", AGAIN)
        return ensemble


AGAIN = "train them anew with `nasc train`"


def _refused(path: Path, reason: str, hint: str) -> NascError:
    return NascError.of(f"predictor weights {path} {reason}", hint, "weights")


def _ensemble(card: Card, tensors: dict[str, Tensor]) -> Ensemble:
    trunk, domain = (_taken(tensors, room) for room in ("trunk", "domain"))
    members = [_member(card.shape, tensors, i) for i in range(len({key.partition(".")[0] for key in tensors}))]
    return Ensemble(Trunk.of(trunk), members, card, Domain.of(domain) if domain else None)


def asked(tasks: Sequence[str] | str, count: int) -> Wide:
    """Return the conditions [count, 2] of tasks: one for all networks, or one each."""
    if isinstance(tasks, str):
        return np.tile(conditions(tasks), (count, 1))
    return np.array([conditions(task) for task in tasks]).reshape(count, len(CONDITIONS))


def _made_for() -> dict[str, Any]:
    """Return what a file must have been made for to be read."""
    return {
        "format": FORMAT,
        "rows": list(ROW),
        "statistics": list(NAMES),
        "conditions": list(CONDITIONS),
        "slopes": made_for(),
    }


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


def _taken(tensors: dict[str, Tensor], room: str) -> dict[str, NDArray[np.generic]]:
    """Take the arrays of one part out of those of a file."""
    keys = [key for key in tensors if key.startswith(f"{room}.")]
    return {key.removeprefix(f"{room}."): tensors.pop(key).numpy() for key in keys}


def _member(shape: Shape, tensors: dict[str, Tensor], index: int) -> Encoder:
    with torch.random.fork_rng(devices=()):  # on the meta device, drawing weights imports torch's compiler: 2 s
        encoder = Encoder(shape)
    prefix = f"{index}."
    state = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    encoder.load_state_dict(state, assign=True)
    return encoder
