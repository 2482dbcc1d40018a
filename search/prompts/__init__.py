"""The texts that an LLM is given: one readable file each, filled in by ``string.Template``."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from string import Template

from ..llm import Message


@cache
def template(name: str) -> Template:
    """Return the text of ``NAME.md`` without its first line, which says what it is for."""
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text.partition("\n")[2].strip())


def filled(name: str, **values: object) -> str:
    """Return a text with its placeholders filled in; a line whose placeholder is empty is left out."""
    texts = {key: str(value).strip("\n") for key, value in values.items()}
    lines = [
        line for line in template(name).template.split("\n") if not (line[:1] == "$" and texts.get(line[1:]) == "")
    ]
    return Template("\n".join(lines)).substitute(texts).strip()


@cache
def examples() -> tuple[Message, ...]:
    """Return the few-shot examples, a question and an answer each."""
    text = template("examples").template
    parts = re.split(r"^## (user|assistant)\n", text, flags=re.MULTILINE)[1:]
    return tuple(
        Message("user" if role == "user" else "assistant", f"{body.strip()}\n".rstrip("\n"))
        for role, body in zip(parts[::2], parts[1::2], strict=True)
    )
