"""The reference page of the IR, docs/ir.md, written from the op table: ``python -m nasc.grammar.reference``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from ..ir import FAMILIES, OPS, Call, CallBlock, Infix, Layer, Method, Op, attributes_of, defaults_of
from .printer import print_value

_INTRODUCTION = """\
# The text form and its ops

This page is written by `python -m nasc.grammar.reference > docs/ir.md` from the declarations in `ir/ops`; a test
holds it to them. Edit the declarations, not this page.

```
{example}```

- The first graph is the entry. A graph takes typed inputs (`%x`), may declare symbols (`<C, S>`) that a `call`
  gives, and ends with `return`. One node a line: results, op, operands, attributes in braces, types after a colon,
  the layer's path in the source model after `#`, notes in `@{{...}}`. Everything from the braces on may be left out:
  defaults, and types, which are inferred; a stated type is checked.
- A type is a dtype with sizes; dtypes are {dtypes}.
  A size is an integer expression over symbols with `+ - * //`; symbols stand for integers >= 1. Symbols of the
  input types (`N`) are bound by the operands of a call.
- A list of fixed length with equal entries is written as one number: `kernel_size=3`. `none` leaves an optional
  attribute out. Words need no quotes: `mode=bilinear`, `dtype=i64`.
- Values, graphs and paths whose names are no identifiers are quoted: `%"odd name"`. Strings know `\\\\`, `\\"`, `\\n`,
  `\\r`, `\\t` and `\\uXXXX`.
- After a graph stands its table: the source line of nodes (`%conv1 = "resnet.py":92:15`) and the class of the
  submodules of the source model (`#layer1.0 : BasicBlock`).
- `//` starts a comment where a line may end; within brackets and braces it divides.
- Weights are not in the text. A weighted op knows its slots; the key in the state dict is path + "." + slot. An op
  whose weights are values of the graph takes them as extra operands, in the order of its slots.
"""
_EXAMPLE = """\
nasc 1 @{source="resnet.py"}

graph @main(%x: f32[N,3,224,224]) -> f32[N,64,112,112] {
  %conv1 = conv2d %x {out_channels=64, kernel_size=7, stride=2, padding=3} : f32[N,64,112,112] #conv1
  %layer1 = call @block %conv1 {C=64} : f32[N,64,112,112] #layer1 @{relevance=+0.325}
  return %layer1
}

%conv1 = "resnet.py":92:15
#layer1 : BasicBlock

graph @block<C>(%x: f32[N,C,H,W]) -> f32[N,C,H,W] {
  %conv = conv2d %x {out_channels=C, kernel_size=3, padding=1} : f32[N,C,H,W] #conv
  %out = add %conv, %x : f32[N,C,H,W]
  return %out
}
"""


def example() -> str:
    """Return the module that the page shows."""
    return _EXAMPLE


def reference() -> str:
    """Return the page as Markdown."""
    from ..ir import DType

    dtypes = ", ".join(f"`{dtype.value}`" for dtype in DType)
    parts = [_INTRODUCTION.format(example=_EXAMPLE, dtypes=dtypes), *_index(), *_op(CallBlock)]
    for family in FAMILIES:
        parts += _family(family)
    return "\n".join(parts) + "\n"


def _index() -> Iterator[str]:
    yield "## Ops\n"
    for family in FAMILIES:
        names = ", ".join(f"[{cls.name}](#{cls.name})" for cls in _ops(family))
        yield f"- {_sentence(family)}: {names}"
    yield ""


def _family(family: ModuleType) -> Iterator[str]:
    yield f"## {_sentence(family)}\n"
    for cls in _ops(family):
        yield from _op(cls)


def _ops(family: ModuleType) -> list[type[Op]]:
    return [cls for cls in OPS.values() if cls.__module__ == family.__name__]


def _sentence(family: ModuleType) -> str:
    text = (family.__doc__ or "").strip().split("\n")[0].rstrip(".")
    return re.split(r"[:;]", text)[0]


def _op(cls: type[Op]) -> Iterator[str]:
    yield f"### {cls.name}\n"
    yield f"    {_usage(cls)}\n"
    yield f"{inspect.cleandoc(cls.__doc__ or '').replace('``', '`')}\n"
    spelling = _spelling(cls)
    if spelling:
        yield f"PyTorch: {spelling}\n"
    rows = [] if cls is CallBlock else list(_attributes(cls))
    if rows:
        yield "| attribute | default | what it may be |\n|---|---|---|"
        yield from rows
        yield ""


def _usage(cls: type[Op]) -> str:
    if cls is CallBlock:
        return "%a, ... = call @block %x, ... {C=64, ...}"
    words = {"?": "[%{}]", "*": "%{}, ..."}
    shown = [words.get(name[-1], "%{}").format(name.rstrip("?*")) for name in cls.operands]
    operands = f" {', '.join(shown)}" if shown else ""
    needed = [name for name in attributes_of(cls) if name not in defaults_of(cls)]
    attributes = f" {{{', '.join(f'{name}=...' for name in needed)}}}" if needed else ""
    return f"%r = {cls.name}{operands}{attributes}"


def _attributes(cls: type[Op]) -> Iterator[str]:
    defaults = defaults_of(cls)
    for name, kind in attributes_of(cls).items():
        default = f"`{print_value(defaults[name], kind)}`" if name in defaults else "must be given"
        yield f"| `{name}` | {default} | {kind.describe()} |"


def _spelling(cls: type[Op]) -> str:
    match cls.torch:
        case Layer(cls=name):
            return f"`{name}`"
        case Call(function=name):
            return f"`{name}`"
        case Method(name=name):
            return f"`x.{name}`"
        case Infix(symbol=symbol):
            return f"`x {symbol} y`"
        case None:
            return ""


if __name__ == "__main__":
    sys.stdout.write(reference())
