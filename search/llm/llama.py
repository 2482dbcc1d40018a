"""The forward pass of a Llama in float32, written for prompts that share a long beginning.

Keys and values of the prompt are kept from one prompt to the next and used again as far as both begin alike,
in whole blocks of BLOCK tokens. A prompt always runs in the same blocks, whether kept or not, so that a
number never depends on what was asked before: the same prompt gives the same logits, bit for bit. Weights and
memory lie on one device, tokens and logits on the CPU.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from .weights import Shape

if TYPE_CHECKING:
    from .replay import Replay

BLOCK: Final = 64
"""Tokens that go through the layers at once; smaller blocks are reused more, larger ones run faster."""

_FEW: Final = 4
"""So many tokens a GPU reads one by one: a replay is that much faster than launching every kernel anew."""


class Llama:
    """A Llama (grouped-query attention, rotary positions in pairs, SwiGLU, tied embedding) and its cache.

    Formulas: Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models", section 2.2;
    grouped queries: Ainslie et al. 2023, "GQA".
    """

    def __init__(self, shape: Shape, tensors: dict[str, Tensor]) -> None:
        self.shape = shape
        self._tensors = tensors
        self.device = tensors["embedding"].device
        self._turns = _rotations(shape).to(self.device)
        size = (shape.layers, 2, shape.kv_heads, shape.context, shape.head_dim)
        self._memory = torch.zeros(size, device=self.device)
        self._kept: list[int] = []
        self._length = 0
        self._soft: Tensor | None = None
        self._soft_key = b""
        self._replay = self._recorded() if self.device.type == "cuda" else None

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Llama:
        """Return the model kept in a folder of weights.py, on a device that torch has."""
        plain = json.loads((folder / "shape.json").read_text(encoding="utf-8"))
        return cls(Shape(**plain), load_file(folder / "model.safetensors", device=device))

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self._tensors["embedding"].shape[0]

    @property
    def width(self) -> int:
        """How wide a token's vector is."""
        return self._tensors["embedding"].shape[1]

    def begin_with(self, soft: Tensor | None, key: bytes) -> None:
        """Put vectors [count, width] before every prompt; ``key`` says whether they are those that are there."""
        if key != self._soft_key:
            self._soft, self._soft_key, self._kept = soft if soft is None else soft.to(self.device), key, []

    @torch.inference_mode()
    def start(self, prompt: Sequence[int]) -> int:
        """Read a prompt up to its last whole block; returns how many of its tokens that is."""
        whole = len(prompt) - len(prompt) % BLOCK
        same = _common(self._kept, prompt[:whole])
        if self._soft is not None and not same:
            self._length = 0
            self._run_vectors(self._soft)
        self._kept = self._kept[:same]
        self._length = same + (0 if self._soft is None else len(self._soft))
        for place in range(same, whole, BLOCK):
            block = list(prompt[place : place + BLOCK])
            self._run(block)
            self._kept += block
        return whole

    @torch.inference_mode()
    def extend(self, tokens: Sequence[int]) -> Tensor:
        """Read more tokens; returns the hidden state [width] that predicts the next one."""
        if self._replay is None or len(tokens) > _FEW:
            return self._run(tokens)[-1]
        hidden = torch.empty(0)
        for token in tokens:
            hidden = self._replay(token, self._length)[-1]
            self._length += 1
        return hidden

    @torch.inference_mode()
    def logits(self, hidden: Tensor, allowed: Tensor | None) -> Tensor:
        """Return the logits, on the CPU, of the ``allowed`` tokens (indices, in their order), or of all."""
        embedding = self._tensors["embedding"]
        hidden = F.rms_norm(hidden, hidden.shape, self._tensors["norm"], self.shape.epsilon)
        if allowed is not None and len(allowed) * 4 < self.vocabulary:
            return (embedding[allowed.to(self.device)] @ hidden).cpu()
        scores = (embedding @ hidden).cpu()
        return scores if allowed is None else scores[allowed]

    def embedded(self, tokens: Sequence[int] | Tensor) -> Tensor:
        """Return the vectors [tokens, width] of tokens."""
        return self._tensors["embedding"][torch.as_tensor(tokens, device=self.device)]

    def losses(self, soft: Tensor, prompt: Sequence[int], answer: Sequence[int]) -> Tensor:
        """Return minus the log-likelihood of each token of an answer behind a soft prompt and a prompt.

        Gradients flow to ``soft`` [count, width]; what is kept of earlier prompts is not touched.
        """
        hidden = torch.cat([soft, self.embedded([*prompt, *answer])])
        for layer in range(self.shape.layers):
            hidden = hidden + self._whole_attention(layer, hidden)
            hidden = hidden + self._mlp(layer, hidden)
        last = hidden[-len(answer) - 1 : -1]
        scores = F.rms_norm(last, last.shape[-1:], self._tensors["norm"], self.shape.epsilon)
        wanted = torch.tensor(answer, device=self.device)
        return F.cross_entropy(scores @ self._tensors["embedding"].T, wanted, reduction="none")

    def through(self, hidden: Tensor, places: slice | Tensor, end: int, mask: Tensor | None) -> Tensor:
        """Return what the layers make of vectors [count, width] that stand at ``places`` of the memory.

        They attend to the first ``end`` places where ``mask`` [groups * count or 1, end] has them.
        """
        for layer in range(self.shape.layers):
            hidden = hidden + self._attention(layer, hidden, places, end, mask)
            hidden = hidden + self._mlp(layer, hidden)
        return hidden

    def _run(self, tokens: Sequence[int]) -> Tensor:
        return self._run_vectors(self.embedded(tokens))

    def _run_vectors(self, hidden: Tensor) -> Tensor:
        start, end = self._length, self._length + len(hidden)
        mask = None
        if len(hidden) > 1:
            groups = self.shape.heads // self.shape.kv_heads
            places = torch.arange(end, device=self.device)
            mask = (places <= places[start:, None]).repeat(groups, 1)
        hidden = self.through(hidden, slice(start, end), end, mask)
        self._length = end
        return hidden

    def _recorded(self) -> Replay:
        from .replay import Replay

        return Replay(self)

    def _attention(self, layer: int, hidden: Tensor, places: slice | Tensor, end: int, mask: Tensor | None) -> Tensor:
        shape, count = self.shape, len(hidden)
        normal = self._normal(hidden, f"{layer}.attention.norm")
        joined = (normal @ self._tensors[f"{layer}.attention.in"]).view(count, -1, shape.head_dim)
        turned = self._turned(joined[:, : shape.heads + shape.kv_heads], places)
        query, key = turned[:, : shape.heads], turned[:, shape.heads :]
        keys, values = self._memory[layer]
        keys[:, places] = key.transpose(0, 1)
        values[:, places] = joined[:, shape.heads + shape.kv_heads :].transpose(0, 1)
        groups = shape.heads // shape.kv_heads
        query = query.view(count, shape.kv_heads, groups, shape.head_dim).permute(1, 2, 0, 3)
        query = query.reshape(1, shape.kv_heads, groups * count, shape.head_dim)
        mixed = F.scaled_dot_product_attention(query, keys[None, :, :end], values[None, :, :end], mask)
        mixed = mixed.reshape(shape.heads, count, shape.head_dim).transpose(0, 1).reshape(count, -1)
        return mixed @ self._tensors[f"{layer}.attention.out"]

    def _whole_attention(self, layer: int, hidden: Tensor) -> Tensor:
        """Return the attention of a whole sequence to itself, nothing kept."""
        shape, count = self.shape, len(hidden)
        normal = self._normal(hidden, f"{layer}.attention.norm")
        joined = (normal @ self._tensors[f"{layer}.attention.in"]).view(count, -1, shape.head_dim)
        turned = self._turned(joined[:, : shape.heads + shape.kv_heads], slice(count))
        query, key = turned[:, : shape.heads], turned[:, shape.heads :]
        value = joined[:, shape.heads + shape.kv_heads :]
        groups = shape.heads // shape.kv_heads
        key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
        query, key, value = (part.transpose(0, 1) for part in (query, key, value))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return mixed.transpose(0, 1).reshape(count, -1) @ self._tensors[f"{layer}.attention.out"]

    def _mlp(self, layer: int, hidden: Tensor) -> Tensor:
        normal = self._normal(hidden, f"{layer}.mlp.norm")
        gate, up = (normal @ self._tensors[f"{layer}.mlp.{part}"] for part in ("gate", "up"))
        return (F.silu(gate) * up) @ self._tensors[f"{layer}.mlp.out"]

    def _normal(self, hidden: Tensor, name: str) -> Tensor:
        return F.rms_norm(hidden, hidden.shape[-1:], self._tensors[name], self.shape.epsilon)

    def _turned(self, heads: Tensor, places: slice | Tensor) -> Tensor:
        """Return queries and keys [tokens, heads, head_dim] turned by their positions, pair by pair."""
        pairs = torch.view_as_complex(heads.reshape(len(heads), heads.shape[1], -1, 2))
        turned = pairs * self._turns[places][:, None]
        return torch.view_as_real(turned).flatten(2)


def _rotations(shape: Shape) -> Tensor:
    """Return the complex rotations [context, head_dim / 2] of every position (Su et al. 2021, RoFormer)."""
    half = torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim
    angles = torch.arange(shape.context, dtype=torch.float64)[:, None] * shape.rope_base**-half
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many tokens two sequences share at their beginning, in whole blocks."""
    same = 0
    while same < min(len(left), len(right)) and left[same : same + BLOCK] == list(right[same : same + BLOCK]):
        same += BLOCK
    return same
