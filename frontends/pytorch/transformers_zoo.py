"""Models of transformers: ``transformers:NAME``, small ones built from their configuration with random weights."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from ...ir import DType, NascError, TensorType, did_you_mean, f32
from ..source import Source

_LAYERS = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
_WORDS = {"vocab_size": 256}
_DECODER = {**_LAYERS, **_WORDS, "num_key_value_heads": 2, "use_cache": False}
_PICTURE = {"image_size": 64, "patch_size": 16}
_TOKENS = TensorType(DType.I64, (1, 32))


@dataclass(frozen=True)
class Recipe:
    """How to build one model: its class, its configuration and what that holds, and what it takes."""

    cls: str
    config: str
    settings: Mapping[str, object]
    input: TensorType
    module: str = "transformers"


ZOO: Mapping[str, Recipe] = MappingProxyType(
    {
        "bert": Recipe("BertModel", "BertConfig", {**_LAYERS, **_WORDS}, _TOKENS),
        "gpt2": Recipe(
            "GPT2LMHeadModel",
            "GPT2Config",
            {**_WORDS, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64, "use_cache": False}
            | {"bos_token_id": 0, "eos_token_id": 0},
            _TOKENS,
        ),
        "llama": Recipe("LlamaForCausalLM", "LlamaConfig", _DECODER, _TOKENS),
        "mistral": Recipe("MistralForCausalLM", "MistralConfig", {**_DECODER, "sliding_window": 16}, _TOKENS),
        "t5_encoder": Recipe(
            "T5EncoderModel",
            "T5Config",
            {**_WORDS, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4},
            _TOKENS,
        ),
        "vit": Recipe("ViTForImageClassification", "ViTConfig", {**_LAYERS, **_PICTURE}, f32(1, 3, 64, 64)),
        "swin": Recipe(
            "SwinForImageClassification",
            "SwinConfig",
            {"image_size": 64, "embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4},
            f32(1, 3, 64, 64),
        ),
        "clip_vision": Recipe("CLIPVisionModel", "CLIPVisionConfig", {**_LAYERS, **_PICTURE}, f32(1, 3, 64, 64)),
        "whisper_encoder": Recipe(
            "WhisperEncoder",
            "WhisperConfig",
            {"d_model": 64, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 128}
            | {"max_source_positions": 50},
            f32(1, 80, 100),
            "transformers.models.whisper.modeling_whisper",
        ),
        "convnextv2": Recipe(
            "ConvNextV2ForImageClassification",
            "ConvNextV2Config",
            {"hidden_sizes": [16, 32, 64, 128], "depths": [1, 1, 2, 1]},
            f32(1, 3, 64, 64),
        ),
        "dinov2": Recipe(
            "Dinov2Model",
            "Dinov2Config",
            {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_ratio": 2, **_PICTURE},
            f32(1, 3, 64, 64),
        ),
        "segformer": Recipe(
            "SegformerForSemanticSegmentation",
            "SegformerConfig",
            {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 4, 8]}
            | {"decoder_hidden_size": 32},
            f32(1, 3, 64, 64),
        ),
    }
)


def build_transformers(source: Source) -> tuple[nn.Module, tuple[TensorType, ...]]:
    """Return a model of the zoo and what it takes; arguments of the source change its configuration.

    Raises:
        NascError: where transformers is not installed, has no such model here, or cannot build it.
    """
    recipe = ZOO.get(source.name)
    if recipe is None:
        raise NascError.of(
            f"transformers has no model {source.name!r} here", did_you_mean(source.name, ZOO), "unknown-model"
        )
    try:
        library: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise NascError.of("transformers is not installed", "pip install transformers", "no-library") from error
    if source.positional:
        hint = f"write transformers:{source.name}(hidden_size=128)"
        raise NascError.of(f"{source.text}: arguments must be named", hint, "arguments")
    try:
        config = getattr(library, recipe.config)(**{**recipe.settings, **source.keyword})
        return getattr(importlib.import_module(recipe.module), recipe.cls)(config), (recipe.input,)
    except Exception as error:
        raise NascError.of(
            f"{source.text} cannot be built: {type(error).__name__}: {error}",
            f"the arguments are those of transformers.{recipe.config}",
            "arguments",
        ) from error
