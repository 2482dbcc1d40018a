"""Soft prompts: vectors that stand before a prompt, trained while the model itself stays as it is.

Lester, Al-Rfou and Constant, 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning". They are kept as the
bytes of a safetensors file with one tensor, ``soft`` [length, width], in float16.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load, save
from torch import Tensor

from .tuning import Tuning

if TYPE_CHECKING:
    from .llama import Llama

Example = tuple[Sequence[int], Sequence[int]]
_NORM = 1.0
"""Gradients are clipped to this length: with a rate of 0.1 one odd example would throw the vectors away."""


def vectors_of(data: bytes, width: int) -> Tensor:
    """Return the vectors [length, width] of a soft prompt, on the CPU; raises ValueError for that of another model."""
    found = load(data)["soft"]
    if found.ndim != 2 or found.shape[1] != width:
        raise ValueError(f"a soft prompt of shape {list(found.shape)} for a model of width {width}")
    return found.float()


def tuned(model: Llama, examples: Sequence[Example], tuning: Tuning, soft: bytes = b"") -> bytes:
    """Return a soft prompt trained on (prompt, answer) tokens, starting from ``soft`` or from embeddings of tokens.

    The loss of an example is the mean over the tokens of its answer, that of a batch the mean over its examples.
    """
    rng = Random(tuning.seed)
    if soft:
        vectors = vectors_of(soft, model.width).to(model.device)
    else:
        vectors = model.embedded([rng.randrange(model.vocabulary) for _ in range(tuning.length)])
    vectors = vectors.clone().requires_grad_()
    optimizer = torch.optim.Adam([vectors], lr=tuning.rate)
    order = [(prompt, answer) for prompt, answer in examples if answer]
    for _ in range(tuning.epochs):
        rng.shuffle(order)
        for start in range(0, len(order), tuning.batch):
            batch = order[start : start + tuning.batch]
            optimizer.zero_grad()
            for prompt, answer in batch:
                (model.losses(vectors, prompt, answer).mean() / len(batch)).backward()
            torch.nn.utils.clip_grad_norm_([vectors], _NORM)
            optimizer.step()
    return save({"soft": vectors.detach().half().cpu().contiguous()})
