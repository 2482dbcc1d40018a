"""Several encoders trained alike from other seeds, and the file that holds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from .encoder import SIGNS, SIZE_SLOPE, Encoder, Shape, variants_per_chunk
from .features import ROW, Arrays, Features
from .kernels.variants import Variants
from .mixture import Mixture
from .statistics import NAMES, Columns, statistics

Floats = NDArray[np.float32]
FORMAT = "nasc-predictor-2"


@dataclass(frozen=True)
class Card:
    """What a weights file says of itself.

    ``knots`` are pairs (score, logit of accuracy), rising in both, by which a score reads as an accuracy.
    ``residual_std`` is the error on networks of the training family that were not trained on.
    """

    shape: Shape
    family: str
    family_std: float
    residual_std: float
    knots: tuple[tuple[float, float], ...]
    recipe: dict[str, Any]

    def accuracy(self, score: float) -> float:
        """Return the accuracy of a score, between 0 and 1; beyond the knots the last slope goes on."""
        x, y = np.array(self.knots).T
        right = int(np.clip(np.searchsorted(x, score), 1, len(x) - 1))
        slope = (y[right] - y[right - 1]) / (x[right] - x[right - 1])
        return float(1 / (1 + np.exp(-(y[right] + slope * (score - x[right])))))

    @staticmethod
    def parse(text: str) -> Card:
        """Return the card of its JSON text."""
        data: dict[str, Any] = json.loads(text)
        data["shape"] = Shape(**data["shape"])
        data["knots"] = tuple((float(x), float(y)) for x, y in data["knots"])
        return Card(**data)


class Ensemble:
    """Encoders whose mean is the score and whose spread is part of the uncertainty."""

    def __init__(self, members: Sequence[Encoder], card: Card, mixture: Mixture | None = None) -> None:
        """Put the members in evaluation mode. Without a mixture, every network is in the domain."""
        self.members = tuple(member.eval() for member in members)
        self.card = card
        self.mixture = mixture

    def in_domain(self, graphs: Sequence[Arrays]) -> NDArray[np.float64]:
        """Return the share of training networks that are no likelier than each graph, [g]; see :class:`Mixture`."""
        if not graphs or self.mixture is None:
            return np.ones(len(graphs))
        return self.mixture.in_domain(self.standardised(graphs))

    def standardised(self, graphs: Sequence[Arrays]) -> NDArray[np.float64]:
        """Return the statistics of graphs in standard deviations of what was trained on, [g, s]."""
        first = self.members[0]
        raw = np.stack([g.statistics for g in graphs])
        result: NDArray[np.float64] = (raw - first.mean.numpy()) / first.scale.numpy()
        return result

    @torch.inference_mode()
    def scores(self, graphs: Sequence[Arrays]) -> tuple[Floats, Floats]:
        """Return the scores and standard deviations of graphs, [g] each."""
        if not graphs:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        parts = [torch.stack([member(batch) for member in self.members]) for batch in batches(graphs)]
        every = torch.cat(parts, dim=1)
        spread = every.var(dim=0, unbiased=False) + self.card.residual_std**2
        return every.mean(dim=0).numpy(), spread.sqrt().numpy()

    @torch.inference_mode()
    def embeddings(self, graphs: Sequence[Arrays]) -> Floats:
        """Return the embeddings of graphs, those of all members side by side, [g, d]."""
        parts = [torch.cat([member.embed(batch) for member in self.members], dim=1) for batch in batches(graphs)]
        width = 2 * self.card.shape.width * len(self.members)
        return (torch.cat(parts) if parts else torch.zeros(0, width)).numpy()

    @torch.inference_mode()
    def masked_scores(self, graph: Features, keep: NDArray[np.bool_]) -> Floats:
        """Return the score of each variant that keeps [v, 3, n] of a graph; see ``mask_places``."""
        size = variants_per_chunk(len(graph.kinds), self.card.shape.width)
        parts = [self._masked(graph, keep[i : i + size]) for i in range(0, len(keep), size)]
        return (torch.cat(parts) if parts else torch.zeros(0)).numpy()

    def _masked(self, graph: Features, keep: NDArray[np.bool_]) -> Tensor:
        kinds = torch.from_numpy(graph.kinds.astype(np.int64))
        numbers = torch.from_numpy(statistics(Columns.of(graph.layout), keep).astype(np.float32))
        variants = Variants.of(graph.edges, ~np.logical_and.reduce(keep, axis=1), self.card.shape.layers)
        rows, kept = torch.from_numpy(graph.rows), torch.from_numpy(keep)
        every = [m.score(m.embed_variants(kinds, rows, kept, variants), numbers) for m in self.members]
        return torch.stack(every).mean(dim=0)

    def write(self, path: Path) -> None:
        """Write all members and the card as one safetensors file, atomically."""
        tensors = {
            f"{i}.{key}": t.contiguous() for i, m in enumerate(self.members) for key, t in m.state_dict().items()
        }
        if self.mixture is not None:
            tensors |= {f"mixture.{k}": torch.from_numpy(v).contiguous() for k, v in vars(self.mixture).items()}
        card = json.dumps(
            {
                **asdict(self.card),
                "format": FORMAT,
                "rows": ROW,
                "statistics": NAMES,
                "signs": SIGNS,
                "slope": SIZE_SLOPE,
            }
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            save_file(tensors, part, metadata={"card": card})

    @staticmethod
    def read(path: Path) -> Ensemble:
        """Return the ensemble of a file. Raises NascError where it is missing or made for other features."""
        try:
            with safe_open(path, framework="pt") as file:
                text = (file.metadata() or {}).get("card", "{}")
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError) as error:
            raise NascError.of(
                f"predictor weights {path} cannot be read: {error}",
                "write them with `nasc train --output FOLDER`",
                "weights",
            ) from None
        data = json.loads(text)
        wanted = {"format": FORMAT, "rows": list(ROW), "statistics": list(NAMES), "signs": SIGNS, "slope": SIZE_SLOPE}
        if {key: data.pop(key, None) for key in wanted} != wanted:
            raise NascError.of(
                f"predictor weights {path} were made for other features",
                "train them anew with `nasc train`",
                "weights",
            )
        card = Card.parse(json.dumps(data))
        found = {k.removeprefix("mixture."): tensors.pop(k).numpy() for k in list(tensors) if k.startswith("mixture.")}
        count = 1 + max(int(key.partition(".")[0]) for key in tensors)
        members = [_member(card.shape, tensors, i) for i in range(count)]
        return Ensemble(members, card, Mixture(**found) if found else None)


def _member(shape: Shape, tensors: dict[str, Tensor], index: int) -> Encoder:
    with torch.device("meta"):
        encoder = Encoder(shape)
    prefix = f"{index}."
    state = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    encoder.load_state_dict(state, assign=True)
    return encoder
