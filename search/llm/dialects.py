"""What the OpenAI-compatible servers want to be told: one request, and how each takes a grammar.

| dialect  | servers                          | the grammar goes as                                     |
|----------|----------------------------------|---------------------------------------------------------|
| openai   | OpenAI                           | a custom tool with a Lark grammar that must be called   |
| vllm     | vLLM                             | ``structured_outputs: {"grammar": LARK}``               |
| sglang   | SGLang                           | ``ebnf: GBNF``                                          |
| llamacpp | llama.cpp's server               | ``grammar: GBNF``                                       |
| plain    | Ollama, LM Studio, anything else | not at all: the caller checks every answer anyway       |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from .client import Prompt
from .gbnf import to_gbnf

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

Dialect = Literal["openai", "vllm", "sglang", "llamacpp", "plain"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)

OPTIONAL: Final = frozenset({"grammar", "temperature", "seed", "stop", "max_tokens", "max_completion_tokens"})
"""What a request can do without, when a server will not have it."""

_OWNERS: Final[dict[str, Dialect]] = {
    "openai": "openai",
    "system": "openai",
    "openai-internal": "openai",
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llamacpp",
}
_TOOL: Final = "answer"


def dialect_of(owners: Iterable[object]) -> Dialect:
    """Return the dialect of a server by the ``owned_by`` of its models; plain where unknown."""
    for owner in owners:
        known = _OWNERS.get(str(owner).lower())
        if known is not None:
            return known
    return "plain"


def request(prompt: Prompt, model: str, dialect: Dialect, skip: frozenset[str]) -> dict[str, Any]:
    """Return the arguments of ``chat.completions.create``, without those named in ``skip``."""
    arguments: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        _limit(dialect, skip): prompt.max_tokens,
        "temperature": prompt.temperature,
        "seed": prompt.seed,
    }
    if prompt.stop:
        arguments["stop"] = list(prompt.stop)
    for name in skip - {"max_tokens", "max_completion_tokens"}:
        arguments.pop(name, None)
    if prompt.grammar is not None and "grammar" not in skip:
        arguments.update(_grammar(prompt.grammar, dialect))
    return arguments


def _limit(dialect: Dialect, skip: frozenset[str]) -> str:
    """Return which of the two names of the limit to use: the newer is OpenAI's own, the older everybody's."""
    newer, older = "max_completion_tokens", "max_tokens"
    if newer in skip:
        return older
    return newer if dialect == "openai" or older in skip else older


def _grammar(grammar: str, dialect: Dialect) -> dict[str, Any]:
    match dialect:
        case "openai":
            lark = {"syntax": "lark", "definition": grammar}
            tool = {
                "name": _TOOL,
                "description": "Gives the whole answer.",
                "format": {"type": "grammar", "grammar": lark},
            }
            choice = {"type": "custom", "custom": {"name": _TOOL}}
            return {"tools": [{"type": "custom", "custom": tool}], "tool_choice": choice}
        case "vllm":
            return {"extra_body": {"structured_outputs": {"grammar": grammar}}}
        case "sglang":
            return {"extra_body": {"ebnf": to_gbnf(grammar)}}
        case "llamacpp":
            return {"extra_body": {"grammar": to_gbnf(grammar)}}
        case "plain":
            return {}


def broken(completion: ChatCompletion) -> str:
    """Return why a reply is no completion, in the server's own words where it gives any; empty where it is one."""
    if listed(completion, "choices"):
        return ""
    error = getattr(completion, "error", None)
    said = cast(dict[str, object], error).get("message") if isinstance(error, dict) else error
    return f"the reply holds no choices: {str(said)[:300]}" if said else "the reply holds no choices"


def answer_text(completion: ChatCompletion) -> tuple[str, bool]:
    """Return what the model said, to the tool or in the open, and whether it came to its end.

    Raises ValueError saying what is amiss where a completion holds no text.
    """
    choice = listed(completion, "choices")[0]
    message: Any = getattr(choice, "message", None)
    ending: Any = getattr(choice, "finish_reason", None)
    said = [getattr(getattr(call, "custom", None), "input", None) for call in listed(message, "tool_calls")]
    for text in (*said, getattr(message, "content", None)):
        if isinstance(text, str) and text.strip():
            return text, ending != "length"
    refusal = getattr(message, "refusal", None)
    if isinstance(refusal, str) and refusal:
        raise ValueError(f"the model declines: {refusal}")
    raise ValueError(f"the answer is empty (finish_reason {ending!r})")


def listed(holder: object, name: str) -> list[object]:
    """Return a list that a reply should hold; what a server sent may have any shape."""
    found = getattr(holder, name, None)
    return cast(list[object], found) if isinstance(found, list) else []
