"""Drawing an answer from the local model token by token, under a grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor

from .client import Prompt
from .errors import BadGrammar

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .llama import Llama

_ANYTHING: Final = "start: /(.|\\n)*/"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The tokens of an answer, without the one that ends it, how many were drawn, whether it ended."""

    tokens: tuple[int, ...]
    spent: int
    finished: bool


def draw_tokens(
    model: Llama, ahead: Sequence[int], prompt: Prompt, grammar: LLTokenizer, tokenizer: Tokenizer
) -> Drawn:
    """Return an answer to what the model has read and ``ahead``, the end of the prompt it has not.

    Tokens that the grammar forces are not drawn but read at once. Where ``max_tokens`` cuts an answer it is
    cut back to the last place at which the grammar allows an end, if there was one. Raises BadGrammar.
    """
    matcher = _matcher(prompt.grammar or _ANYTHING, grammar)
    rng = Random(prompt.seed)
    pending, drawn, complete = list(ahead), list[int](), 0
    end = model.shape.end_token
    while len(drawn) < prompt.max_tokens:
        forced = matcher.compute_ff_tokens()[: prompt.max_tokens - len(drawn)] if prompt.grammar else []
        token = forced[0] if forced else -1
        if not forced:
            hidden = model.extend(pending)
            pending = []
            allowed = _allowed(matcher)
            token = int(allowed[_choose(model.logits(hidden, allowed), prompt.temperature, rng)])
            if token == end:
                return Drawn(tuple(drawn), len(drawn), True)
        taken = forced or [token]
        matcher.consume_tokens(taken)
        drawn += taken
        pending += taken
        complete = len(drawn) if matcher.is_accepting() else complete
        if matcher.is_stopped() or _stops(prompt.stop, drawn, tokenizer):
            return Drawn(tuple(drawn), len(drawn), True)
    whole = drawn[:complete] if prompt.grammar and complete else drawn
    return Drawn(tuple(whole), len(drawn), finished=False)


def _matcher(grammar: str, tokenizer: LLTokenizer) -> LLMatcher:
    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
    if matcher.is_error():
        first = matcher.get_error().strip().splitlines()[0]
        hint = "keep to the subset that lark and llguidance share"
        raise BadGrammar.at("grammar", f"llguidance cannot read it: {first}", hint)
    return matcher


def _allowed(matcher: LLMatcher) -> Tensor:
    """Return the indices of the tokens that may come next."""
    bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8), bitorder="little")
    return torch.from_numpy(np.flatnonzero(bits))


def _choose(logits: Tensor, temperature: float, rng: Random) -> int:
    """Return the place of the likeliest logit, or one drawn by softmax(logits / temperature)."""
    if temperature == 0:
        return int(logits.argmax())
    shares = torch.softmax(logits.double() / temperature, dim=0).cumsum(0)
    place = int(torch.searchsorted(shares, rng.random() * float(shares[-1]), right=True))
    return min(place, len(shares) - 1)


def _stops(stop: Sequence[str], drawn: Sequence[int], tokenizer: Tokenizer) -> bool:
    if not stop:
        return False
    text = str(tokenizer.decode(list(drawn), skip_special_tokens=False))
    return any(mark in text for mark in stop)
