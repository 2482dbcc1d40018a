"""The skeleton that stacks blocks to a network: a stem, stages of base blocks with downsampling between, a head.

It is that of NAS-Bench-201, as in appendix A1.1 of the paper: mean over height and width and a linear classifier end
it. In a text it is a section of its own::

    ##skeleton##
    widths=(16,32,64)
    depths=(5,5,5)
    classes=10
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...ir import Builder, Diagnostic, Graph, Loc, Module, NascError, did_you_mean, f32, symbol
from .blocks import Role
from .lines import Section, Several

TITLE = "skeleton"
MAX_BLOCKS = 1000
_NEEDED = ("widths", "depths", "classes")
_LISTS = ("widths", "depths")
_KNOWN = (*_NEEDED, "channels", "size")


@dataclass(frozen=True)
class Skeleton:
    """The widths and depths of the stages, the number of classes, the channels and the size of the images."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    classes: int
    channels: int = 3
    size: tuple[int, int] = (32, 32)


def skeleton_of(settings: Mapping[str, object], where: Loc, places: Mapping[str, Loc] | None = None) -> Skeleton:
    """Return the skeleton that settings describe. Raises NascError with everything that is wrong with them.

    A number may stand for a list of one, and for a square size. ``places`` says where each setting stands.
    """
    found: list[Diagnostic] = []
    values: dict[str, tuple[int, ...]] = {}
    for name, value in settings.items():
        place = (places or {}).get(name, where)
        numbers = _numbers(value)
        if name not in _KNOWN:
            found.append(
                Diagnostic(f"the skeleton has no {name!r}", did_you_mean(name, _KNOWN), "unknown-attribute", place)
            )
        elif not numbers or not _fits(name, numbers):
            found.append(
                Diagnostic(f"{name} cannot be {value}", f"expected {_expected(name)}", "attribute-value", place)
            )
        else:
            values[name] = numbers
    for name in _NEEDED:
        if name not in settings:
            hint = f"add {name}={_expected(name).split(', such as ')[-1]}"
            found.append(Diagnostic(f"the skeleton needs {name}", hint, "missing-attribute", where))
    if not found and len(values["widths"]) != len(values["depths"]):
        message = f"there are {len(values['widths'])} widths and {len(values['depths'])} depths"
        found.append(Diagnostic(message, "expected one of each a stage", "attribute-value", where))
    if found:
        raise NascError(*found)
    height, width = (values.get("size", (32, 32)) * 2)[:2]
    channels = values.get("channels", (3,))[0]
    return Skeleton(values["widths"], values["depths"], values["classes"][0], channels, (height, width))


def section_settings(section: Section, filename: str) -> tuple[dict[str, object], dict[str, Loc]]:
    """Return the settings of the section and their places. Raises NascError where other lines stand there."""
    found: list[Diagnostic] = []
    settings: dict[str, object] = {}
    places: dict[str, Loc] = {}
    for number in [line.line for line in section.nodes] + [line.line for line in section.edges]:
        hint = "expected settings, such as widths=(16,32,64)"
        found.append(Diagnostic("the skeleton has no nodes", hint, "syntax", Loc(filename, number, 1)))
    for line in section.settings:
        where = Loc(filename, line.line, line.column)
        if line.name in settings:
            found.append(Diagnostic(f"{line.name} is given twice", "remove one of them", "attribute-value", where))
        items = line.value.items if isinstance(line.value, Several) else (line.value,)
        settings[line.name] = tuple(item.value for item in items)
        places[line.name] = where
    if found:
        raise NascError(*found)
    return settings, places


def network(skeleton: Skeleton, blocks: Mapping[Role, Graph], where: Loc) -> Module:
    """Return the network of a skeleton. Raises NascError where a block is missing or the images are too small."""
    stages = len(skeleton.widths)
    needed: list[Role] = ["base", "stem", "downsample"] if stages > 1 else ["base", "stem"]
    missing: list[Role] = [role for role in needed if role not in blocks]
    if missing:
        raise NascError(
            *(
                Diagnostic(f"there is no {role} block to stack", _add_hint(role), "unknown-graph", where)
                for role in missing
            )
        )
    used = {role: blocks[role] for role in needed}
    builder = Builder("main", blocks={graph.name: graph for graph in used.values()})
    x = builder.input("x", f32(symbol("N"), skeleton.channels, *skeleton.size))
    (x,) = builder.call(used["stem"].name, x, path="stem", dim=skeleton.widths[0])
    for stage, (width, depth) in enumerate(zip(skeleton.widths, skeleton.depths, strict=True), 1):
        if stage > 1:
            (x,) = builder.call(used["downsample"].name, x, path=f"downsample{stage - 1}", dim=width)
        for index in range(depth):
            (x,) = builder.call(used["base"].name, x, path=f"layer{stage}.{index}")
    if 0 in builder.types[x].shape:
        height, width = skeleton.size
        raise NascError.of(
            f"images of {height}x{width} are too small: nothing is left of them before the head",
            "expected a larger size, or fewer stages",
            "window",
            where,
        )
    x = builder("adaptive_avg_pool2d", x, path="avg_pool", name="avg_pool", output_size=1)
    x = builder("flatten", x, start_dim=1)
    x = builder("linear", x, path="fc", out_features=skeleton.classes)
    return builder.module(x)


def _add_hint(role: Role) -> str:
    return "add a block without `stem` and `downsample` in its name" if role == "base" else f"add ##name_{role}##"


def _numbers(value: object) -> tuple[int, ...]:
    items = value if isinstance(value, (tuple, list)) else (value,)
    numbers = tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool) and item > 0)
    return numbers if len(numbers) == len(items) else ()


def _fits(name: str, numbers: tuple[int, ...]) -> bool:
    if name in _LISTS:
        return sum(numbers) <= MAX_BLOCKS if name == "depths" else True
    return len(numbers) <= (2 if name == "size" else 1)


def _expected(name: str) -> str:
    if name in _LISTS:
        return f"a number a stage, such as ({'16,32,64' if name == 'widths' else '5,5,5'})"
    return "a number from 1, such as 10" if name != "size" else "a number, or height and width, such as 32"
