"""The training loop of one ensemble: targets, losses, checkpoints and the card of the result."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..ir.files import whole
from .batch import collate
from .datasets import Dataset, load
from .encoder import SIZE_SLOPE, Batch, Encoder, Shape
from .ensemble import Card, Ensemble
from .evaluation import ranking
from .features import Arrays
from .kinds import Kind
from .mixture import Mixture
from .training import Config

Event = Callable[[str], None]
Floats = NDArray[np.float64]
KNOTS = (0.002, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 0.998)
MARGIN = 0.1
MONOTONE_RATE = 5.0
SAMPLE = 1000
CHUNK = 32
LEAST = 256
"""Networks of one family that are compared with each other at once, and least networks of a family an epoch."""

NAME = "nasc"
"""Stem of the weights file."""


@dataclass(frozen=True)
class Corpus:
    """What is trained on: graphs of several families, targets [n] and the number of the family [n]."""

    graphs: list[Arrays]
    targets: Floats
    families: NDArray[np.intp]

    @staticmethod
    def of(sets: Sequence[Dataset]) -> Corpus:
        """Return the networks of all families; a target is the normal score within the family."""
        return Corpus(
            [graph for data in sets for graph in data.graphs],
            np.concatenate([normal_scores(data.accuracy) for data in sets]),
            np.repeat(np.arange(len(sets)), [len(data.graphs) for data in sets]),
        )

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


def fit(config: Config, data_dir: str | Path | None, folder: Path, say: Event) -> Path:
    """Train all members and write ``NAME.safetensors`` into a folder; see ``nasc.predictor.train``."""
    sizes = [config.networks] + [config.others] * (len(config.families) - 1)
    sets = [load(n, data_dir, size, say).distinct() for n, size in zip(config.families, sizes, strict=True)]
    splits = [_split(data) for data in sets]
    corpus = Corpus.of([rest for _, rest in splits])
    work = folder / f".training-{_key(config, corpus)}"
    work.mkdir(parents=True, exist_ok=True)
    members = [_member(config, index, corpus, work, say) for index in range(config.members)]
    shape = _shape(config)
    test, rest = splits[0]
    targets = normal_scores(rest.accuracy)
    draft = Card(shape, config.families[0], 1.0, 0.0, _knots(rest.accuracy, targets), asdict(config))
    ensemble = Ensemble(members, _card(draft, Ensemble(members, draft), rest, test))
    ensemble.mixture = Mixture.fit(ensemble.standardised(corpus.graphs))
    for held, _ in splits:
        scores, _ = ensemble.scores(held.graphs)
        say(f"held-out {held.family.name}: Spearman {ranking(scores, held.accuracy).spearman:.4f}")
    path = folder / f"{NAME}.safetensors"
    ensemble.write(path)
    for file in work.iterdir():
        file.unlink()
    work.rmdir()
    return path


def _split(data: Dataset) -> tuple[Dataset, Dataset]:
    held = max(len(data.graphs) // 10, 1)
    return data.take(np.arange(held)), data.take(np.arange(held, len(data.graphs)))


def normal_scores(values: Floats) -> Floats:
    """Return the normal quantile of each value's rank: mean 0 and deviation 1 whatever the values' scale."""
    from scipy.stats import norm, rankdata

    result: Floats = norm.ppf((rankdata(values) - 0.5) / len(values))
    return result


def _key(config: Config, corpus: Corpus) -> str:
    text = repr((config, len(corpus.graphs), float(corpus.targets.sum()), SIZE_SLOPE))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _shape(config: Config) -> Shape:
    return Shape(config.width, config.layers, config.hidden, config.bound)


def _member(config: Config, index: int, corpus: Corpus, work: Path, say: Event) -> Encoder:
    """Train one member, from its last checkpoint where there is one."""
    torch.manual_seed(config.seed + index)
    encoder = Encoder(_shape(config))
    statistics = np.stack([g.statistics for g in corpus.graphs])
    spread = np.random.default_rng(0).permutation(len(corpus.graphs))[:SAMPLE]
    rows = np.concatenate([corpus.graphs[i].rows for i in spread])
    encoder.standardise(torch.from_numpy(statistics), torch.from_numpy(rows))
    optimiser = _optimiser(encoder, config)
    path = work / f"member{index}.safetensors"
    for epoch in range(_resume(path, encoder, optimiser), config.epochs):
        generator = torch.Generator().manual_seed(1_000_003 * (config.seed + index) + epoch)
        mean = _epoch(config, encoder, optimiser, corpus, generator, epoch)
        _checkpoint(path, encoder, optimiser, epoch + 1)
        say(f"member {index + 1}/{config.members}, epoch {epoch + 1}/{config.epochs}: loss {mean:.4f}")
    return encoder


def _optimiser(encoder: Encoder, config: Config) -> torch.optim.Optimizer:
    """Return AdamW. The monotone part learns faster and does not decay: its weights pass a softplus, 0 is much."""
    rising = list(encoder.monotone.parameters())
    rest = [p for name, p in encoder.named_parameters() if not name.startswith("monotone.")]
    return torch.optim.AdamW(
        [
            {"params": rest, "peak": config.rate, "weight_decay": config.decay},
            {"params": rising, "peak": config.rate * MONOTONE_RATE, "weight_decay": 0.0},
        ],
        lr=config.rate,
    )


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
            group["lr"] = group["peak"] * rate(step / (config.epochs * len(steps)))
        chosen = [i for part in parts for i in part]
        batch = with_masked_nodes(collate([corpus.graphs[i] for i in chosen]), config.inserted, generator)
        group_of = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(part) for part in parts]))
        scale = torch.from_numpy(corpus.families[chosen] == 0)
        targets = Targets(torch.from_numpy(corpus.targets[chosen]).float(), group_of, scale)
        value = loss(encoder, batch, targets, config.alone)
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


@dataclass(frozen=True)
class Targets:
    """Wanted scores [g], the group that a graph is compared within [g], and whether its family sets the scale [g]."""

    scores: Tensor
    group: Tensor
    scale: Tensor


def loss(encoder: Encoder, batch: Batch, targets: Targets, alone: float) -> Tensor:
    """Return the loss of the scores, and ``alone`` times that of the monotone part by itself."""
    whole, part = encoder(batch), encoder.rising(batch.statistics)
    return _loss(whole, targets) + alone * _loss(part, targets)


def _loss(scores: Tensor, targets: Targets) -> Tensor:
    """Return the logistic loss of every pair of a group that is a margin apart, and a robust regression loss.

    Regression is on the family that sets the scale: how two families compare is not known.
    """
    same = targets.group[:, None] == targets.group[None]
    apart = same & (targets.scores[:, None] - targets.scores[None] > MARGIN)
    pairs = F.softplus(-2 * (scores[:, None] - scores[None]))[apart]
    ranks = pairs.mean() if pairs.numel() else scores.sum() * 0
    if not targets.scale.any():
        return ranks
    return ranks + F.smooth_l1_loss(scores[targets.scale], targets.scores[targets.scale])


def _checkpoint(path: Path, encoder: Encoder, optimiser: torch.optim.Optimizer, epoch: int) -> None:
    """Write weights and the optimiser's state after an epoch, atomically."""
    tensors = {f"model.{key}": value for key, value in encoder.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
    tensors = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    with whole(path) as part:
        save_file(tensors, part, metadata={"epoch": json.dumps(epoch)})


def _resume(path: Path, encoder: Encoder, optimiser: torch.optim.Optimizer) -> int:
    """Restore the last checkpoint and return the number of epochs done; 0 where there is none."""
    if not path.is_file():
        return 0
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        epoch = int(json.loads(file.metadata()["epoch"]))
    tensors = load_file(path)
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


def _knots(accuracy: Floats, targets: Floats) -> tuple[tuple[float, float], ...]:
    """Return pairs of score and logit of accuracy at fixed quantiles, rising strictly in both."""
    x = np.quantile(targets, KNOTS)
    a = np.clip(np.quantile(accuracy, KNOTS), 0.01, 0.999)
    y = np.log(a / (1 - a))
    rise = np.arange(len(x)) * 1e-3
    return tuple(
        (float(s), float(v))
        for s, v in zip(np.maximum.accumulate(x) + rise, np.maximum.accumulate(y) + rise, strict=True)
    )


def _card(draft: Card, ensemble: Ensemble, rest: Dataset, test: Dataset) -> Card:
    from dataclasses import replace

    scores, _ = ensemble.scores(rest.graphs)
    held, _ = ensemble.scores(test.graphs)
    reference = np.sort(rest.accuracy)
    wanted = normal_scores(rest.accuracy)[np.argsort(rest.accuracy, kind="stable")]
    truth = np.interp(test.accuracy, reference, wanted)
    error = float(np.sqrt(np.mean((held - truth) ** 2)))
    return replace(draft, family_std=float(scores.std()), residual_std=error)
