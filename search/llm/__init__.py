"""LLM clients: prompts in, answers out; local, behind a server or random; cached, metered, bounded.

They know nothing of the IR: a prompt is messages and a grammar, an answer is text.
"""

from .client import Answer, Client, Message, Prompt
from .errors import (
    BadAnswer,
    BadGrammar,
    BadReply,
    BudgetExhausted,
    ContextTooLong,
    LLMError,
    NotInstalled,
    RateLimited,
    Refused,
    TimedOut,
    UnknownClient,
    Unreachable,
)
from .ledger import Ledger, Price
from .spec import open_client

__all__ = [
    "Answer",
    "BadAnswer",
    "BadGrammar",
    "BadReply",
    "BudgetExhausted",
    "Client",
    "ContextTooLong",
    "LLMError",
    "Ledger",
    "Message",
    "NotInstalled",
    "Price",
    "Prompt",
    "RateLimited",
    "Refused",
    "TimedOut",
    "UnknownClient",
    "Unreachable",
    "open_client",
]
