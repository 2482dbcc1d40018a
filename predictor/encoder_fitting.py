"""Training of the encoders: what they add to the trunk, by pairs of networks of one family; resumable."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..ir.files import whole
from .batch import collate
from .datasets import Dataset
from .encoder import Batch, Encoder, Shape
from .features import Arrays
from .kinds import Kind
from .targets import normal_scores
from .tasks import conditions
from .training import Config
from .trunk import Trunk

Event = Callable[[str], None]
Floats = NDArray[np.float64]
MARGIN = 0.1
"""How far apart the targets of two networks are at least for the loss to put them in order."""
SAMPLE = 1000
"""Networks by which the numbers of rows are scaled."""
CHUNK, LEAST = 32, 256
"""Networks of one family that are compared with each other at once, and least networks of a family an epoch."""


@dataclass(frozen=True)
class Corpus:
    """What encoders are trained on: graphs of several families, what the trunk gives them, targets, all [n].

    ``families`` [n] are numbers of families.
    """

    graphs: list[Arrays]
    base: Floats
    targets: Floats
    families: NDArray[np.intp]

    @staticmethod
    def of(sets: Sequence[Dataset], trunk: Trunk) -> Corpus:
        """Return the networks of all families; a target is the normal score within the family."""
        base = [trunk(d.x, np.tile(conditions(d.family.task), (len(d.x), 1))) for d in sets]
        return Corpus(
            [graph for data in sets for graph in data.graphs],
            np.concatenate(base),
            np.concatenate([normal_scores(data.labels[:, 0]) for data in sets]),
            np.repeat(np.arange(len(sets)), [len(data.x) for data in sets]),
        )

    def key(self, config: Config) -> str:
        """Return what tells the checkpoints of a training from those of another: all that decides its result.

        What code reckoned is there by value (to a millionth, as sums may differ by their order), so that a checkpoint
        of other slopes, flaws or statistics is not gone on from.
        """
        settings = repr((config, MARGIN, SAMPLE, CHUNK, LEAST))
        state = hashlib.blake2b(settings.encode(), digest_size=6)
        read = [array for g in self.graphs for array in (g.kinds, g.rows, g.edges, g.statistics)]
        for values in (*read, self.base, self.targets, self.families):
            state.update(np.round(values, 6).tobytes())
        return state.hexdigest()

    def chunks(self, generator: torch.Generator) -> list[list[int]]:
        """Return positions in groups of one family, shuffled; each family gives at least ``LEAST`` networks."""
        groups: list[list[int]] = []
        for number in range(int(self.families.max()) + 1):
            own = np.flatnonzero(self.families == number)
            order: list[int] = []
            while len(order) < min(LEAST, len(self.families)):
                order += own[torch.randperm(len(own), generator=generator).numpy()].tolist()
            groups += [order[i : i + CHUNK] for i in range(0, len(order), CHUNK)]
        return [groups[i] for i in torch.randperm(len(groups), generator=generator).tolist()]


def member(config: Config, index: int, corpus: Corpus, work: Path, say: Event) -> Encoder:
    """Train one member, from its last checkpoint where there is one."""
    torch.manual_seed(config.seed + index)
    encoder = Encoder(shape(config))
    statistics = np.stack([g.statistics for g in corpus.graphs])
    spread = np.random.default_rng(0).permutation(len(corpus.graphs))[:SAMPLE]
    rows = np.concatenate([corpus.graphs[i].rows for i in spread])
    encoder.standardise(torch.from_numpy(statistics), torch.from_numpy(rows))
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=config.rate, weight_decay=config.decay)
    path = work / f"member{index}.safetensors"
    for epoch in range(_resume(path, encoder, optimiser), config.epochs):
        generator = torch.Generator().manual_seed(1_000_003 * (config.seed + index) + epoch)
        mean = _epoch(config, encoder, optimiser, corpus, generator, epoch)
        _checkpoint(path, encoder, optimiser, epoch + 1)
        say(f"member {index + 1}/{config.members}, epoch {epoch + 1}/{config.epochs}: loss {mean:.4f}")
    return encoder


def once(corpus: Corpus, seed: int) -> Encoder:
    """Return an encoder after one pass over a corpus, without checkpoints."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        return member(Config(epochs=1, seed=seed), 0, corpus, Path(folder), lambda _: None).eval()


def shape(config: Config) -> Shape:
    """Return the sizes of the encoders."""
    return Shape(config.width, config.layers, config.hidden, config.bound)


def _epoch(
    config: Config,
    encoder: Encoder,
    optimiser: torch.optim.Optimizer,
    corpus: Corpus,
    generator: torch.Generator,
    epoch: int,
) -> float:
    """Train for one pass and return the mean loss."""
    encoder.train()
    chunks = corpus.chunks(generator)
    many = max(config.batch // CHUNK, 1)
    steps = [chunks[i : i + many] for i in range(0, len(chunks), many)]
    total = 0.0
    for step, parts in enumerate(steps, start=epoch * len(steps)):
        for group in optimiser.param_groups:
            group["lr"] = config.rate * rate(step / (config.epochs * len(steps)))
        chosen = [i for part in parts for i in part]
        batch = with_masked_nodes(collate([corpus.graphs[i] for i in chosen]), config.inserted, generator)
        group_of = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(part) for part in parts]))
        wanted, base = (torch.from_numpy(values[chosen]).float() for values in (corpus.targets, corpus.base))
        value = LOSSES[config.loss](base + encoder(batch), wanted, group_of)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        total += value.item()
    return total / len(steps)


def rate(done: float) -> float:
    """Return the learning rate as a share of its peak: a linear rise over a tenth, then a half cosine."""
    return done / 0.1 if done < 0.1 else 0.5 * (1 + math.cos(math.pi * (done - 0.1) / 0.9))


def with_masked_nodes(batch: Batch, share: float, generator: torch.Generator) -> Batch:
    """Return a batch with a masked node in the middle of a random share of its edges."""
    chosen = torch.rand(len(batch.source), generator=generator) < share
    fresh = int(chosen.sum())
    new = torch.arange(fresh) + len(batch.kinds)
    source, target = batch.source.clone(), batch.target.clone()
    ends = target[chosen]
    target[chosen] = new
    return Batch(
        kinds=torch.cat([batch.kinds, torch.full((fresh,), int(Kind.MASKED))]),
        rows=torch.cat([batch.rows, torch.zeros(fresh, batch.rows.shape[1])]),
        source=torch.cat([source, new]),
        target=torch.cat([target, ends]),
        graph=torch.cat([batch.graph, batch.graph[ends]]),
        statistics=batch.statistics,
    )


def pairs_loss(scores: Tensor, targets: Tensor, group: Tensor) -> Tensor:
    """Return the logistic loss of every pair of a group [n] whose targets [n] are a margin apart."""
    same = group[:, None] == group[None]
    apart = same & (targets[:, None] - targets[None] > MARGIN)
    pairs = F.softplus(-2 * (scores[:, None] - scores[None]))[apart]
    return pairs.mean() if pairs.numel() else scores.sum() * 0


def regression_loss(scores: Tensor, targets: Tensor, group: Tensor) -> Tensor:
    """Return the smooth absolute error of scores [n], each group [n] apart from an offset."""
    error = scores - targets
    counts = torch.bincount(group).clamp(min=1)
    means = error.new_zeros(len(counts)).index_add_(0, group, error) / counts
    return F.smooth_l1_loss(error - means[group], torch.zeros_like(error))


LOSSES = {"pairs": pairs_loss, "regression": regression_loss}


def _checkpoint(path: Path, encoder: Encoder, optimiser: torch.optim.Optimizer, epoch: int) -> None:
    """Write weights and the optimiser's state, atomically; another process may have cleared the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{key}": value for key, value in encoder.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
    tensors = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    with whole(path) as part:
        save_file(tensors, part, metadata={"epoch": json.dumps(epoch)})


def _resume(path: Path, encoder: Encoder, optimiser: torch.optim.Optimizer) -> int:
    """Restore the last checkpoint and return the number of epochs done; 0 where there is none, or a damaged one.

    Epoch and tensors are read from one open file: another process, which trains the same, may write the next meanwhile.
    """
    try:
        with safe_open(path, framework="pt") as file:
            epoch = int(json.loads(file.metadata()["epoch"]))
            tensors: dict[str, Tensor] = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0
    encoder.load_state_dict(
        {key.removeprefix("model."): value for key, value in tensors.items() if key.startswith("model.")}
    )
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        room, _, rest = key.partition(".")
        if room == "optimiser":
            index, _, name = rest.partition(".")
            states.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": states})
    return epoch
