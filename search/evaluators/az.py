"""AZ-NAS: four proxies of one forward and backward pass, put together by their ranks in a set.

Lee and Ham, "AZ-NAS: Assembling zero-cost proxies for network architecture search", CVPR 2024: expressivity (entropy of
the principal components of features), progressivity (how much it grows from block to block at least), trainability
(how near the Jacobian of each block is to one that keeps gradients) and complexity (multiply-accumulates).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...backends import instantiate
from ...ir import Module, NascError
from ...passes import cost
from .layouts import channels_last_input, channels_last_model
from .probing import features, with_outputs

PARTS = ("expressivity", "progressivity", "trainability", "complexity")
REFERENCE = {
    "expressivity": (46.0, 10.0),
    "progressivity": (-0.2, 0.12),
    "trainability": (-0.4, 0.4),
    "complexity": (17.1, 0.9),
}
"""About the mean and standard deviation of the parts (of complexity the logarithm) over NAS-Bench-201, by noise."""


NOTHING = -1e6
"""The trainability of a block that computes nothing, or from which no gradient comes."""


def parts(module: Module, x: Tensor, seed: int) -> dict[str, float]:
    """Return the four numbers of a network for a batch of inputs. Raises NascError where it has no inner features."""
    values = features(module)
    if len(values) < 2:
        hint = "expected blocks one after the other, with places and channels"
        raise NascError.of("the network hands fewer than two features on from block to block", hint, "evaluator")
    model = channels_last_model(instantiate(with_outputs(module, values), seed=seed).train(), x)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _initialise(model)
        kept: Sequence[Tensor] = model(channels_last_input(x).clone().requires_grad_(True))
        entropies = [_entropy(feature.detach()) for feature in kept]
        kept_well = [_kept(a, b) for a, b in pairwise(kept)]
    return {
        "expressivity": sum(entropies),
        "progressivity": min(b - a for a, b in pairwise(entropies)),
        "trainability": sum(kept_well) / len(kept_well),
        "complexity": float(cost(module).macs),
    }


def _initialise(model: nn.Module) -> None:
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.dim() > 1:
                nn.init.kaiming_normal_(tensor, mode="fan_in", nonlinearity="relu")
            elif name.endswith("bias"):
                tensor.zero_()


def _entropy(feature: Tensor) -> float:
    """Return the entropy of the shares of variance of the principal components of the channels, in nats."""
    rows = feature.transpose(1, -1).reshape(-1, feature.shape[1])
    rows = rows - rows.mean(0, keepdim=True)
    variances = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).clamp(min=0)
    shares = variances / variances.sum().clamp(min=1e-12)
    return float(-(shares * torch.log(shares + 1e-8)).sum())


def _kept(before: Tensor, after: Tensor) -> float:
    """Return ``2 - s - 1/s`` for the largest singular value s of how a block carries random gradients back."""
    signs = torch.randint(0, 2, after.shape).to(after.dtype) * 2 - 1
    found = torch.autograd.grad(after, before, signs, retain_graph=True, allow_unused=True)
    back = cast("Tensor | None", found[0])
    if back is None or (back.shape == signs.shape and bool((back == signs).all())):
        return NOTHING
    back = _folded(back, after.shape[2:])
    into = signs.transpose(1, -1).reshape(-1, after.shape[1])
    carried = back.transpose(1, -1).reshape(-1, back.shape[1]).T @ into / len(into)
    largest = float(torch.linalg.matrix_norm(carried, 2))
    return 2 - largest - 1 / (largest + 1e-6)


def _folded(back: Tensor, places: torch.Size) -> Tensor:
    """Return gradients with as many places as ``places``: those that fall together become channels."""
    own = back.shape[2:]
    if own == places:
        return back
    if len(own) == 2 and own[0] % places[0] == 0 and own[0] // places[0] == own[1] // places[1]:
        return functional.pixel_unshuffle(back, own[0] // places[0])
    size: Any = tuple(places)
    pool = (functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d)
    return pool[len(own) - 1](back, size)


def ranked(rows: Sequence[Mapping[str, float]]) -> list[float]:
    """Return the scores of a set: the sum over the parts of the logarithm of the rank, 1 for the best, over the size.

    Equal networks share the mean of their ranks; the best possible score is 0.
    """
    scores = [0.0] * len(rows)
    for part in PARTS:
        values = [row.get(part, -math.inf) for row in rows]
        for place, value in enumerate(values):
            below, equal = sum(other < value for other in values), sum(other == value for other in values)
            scores[place] += math.log((below + (equal + 1) / 2) / len(values))
    return scores


def alone(row: Mapping[str, float]) -> float:
    """Return the score of one network without a set: its ranks among NAS-Bench-201 as normal parts would have them."""
    score = 0.0
    for part, (mean, std) in REFERENCE.items():
        value = math.log(max(row[part], 1.0)) if part == "complexity" else row[part]
        share = 0.5 * math.erfc(-max(-30.0, (value - mean) / std) / math.sqrt(2))
        score += math.log(max(share, 1e-12))
    return score
