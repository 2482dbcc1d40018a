"""Rules of the calls that give the same elements another shape, or join and part them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..site import Site, Values


def reshape(site: Site) -> Values:
    """Lower ``view`` and ``reshape``, whose argument is called size or shape."""
    shape = site.args["shape"] if "shape" in site.args else site.args["size"]
    return site.emit("reshape", site.value("self"), shape=shape)


def view_as(site: Site) -> Values:
    """Lower ``view_as`` and ``reshape_as``."""
    return site.emit("reshape", site.value("self"), shape=site.result.shape)


def expand(site: Site) -> Values:
    """Lower ``expand``; one that changes nothing leaves no node."""
    value = site.value("self")
    return value if site.type(value) == site.result else site.emit("expand", value, shape=site.args["size"])


def expand_as(site: Site) -> Values:
    """Lower ``expand_as``."""
    value = site.value("self")
    return value if site.type(value) == site.result else site.emit("expand", value, shape=site.result.shape)


def unflatten(site: Site) -> Values:
    """Lower ``unflatten``."""
    return site.emit("unflatten", site.value("self"), dim=site.args["dim"], sizes=site.args["sizes"])


def split(site: Site) -> Values:
    """Lower every way to part an axis: the sizes are those of the results."""
    axis = site.args["dim"]
    sizes = [part.shape[axis] for part in site.results]
    return site.emit_many("split", [site.subject], sizes=sizes, dim=axis)


def swapped(site: Site) -> Values:
    """Lower ``t``, ``mT`` and ``numpy_T`` of a matrix: the last two axes exchanged."""
    value = site.value("self")
    return site.emit("transpose", value, dim0=-2, dim1=-1) if site.type(value).rank > 1 else value


def movedim(site: Site) -> Values:
    """Lower ``movedim``: the axes moved go to their places, the others keep their order."""
    value = site.value("self")
    rank = site.type(value).rank

    def front(name: str) -> list[int]:
        axes = site.args[name]
        return [axis % rank for axis in (axes if isinstance(axes, list) else [axes])]

    source, target = front("source"), front("destination")
    rest = iter(axis for axis in range(rank) if axis not in source)
    placed = dict(zip(target, source, strict=True))
    dims = [placed[axis] if axis in placed else next(rest) for axis in range(rank)]
    return site.emit("permute", value, dims=dims)


def channel_shuffle(site: Site) -> Values:
    """Lower ``channel_shuffle``: channels as groups x rest, transposed."""
    value = site.value("self")
    shape = site.type(value).shape
    groups = site.args["groups"]
    parts = site.emit("reshape", value, shape=(shape[0], groups, shape[1] // groups, *shape[2:]))
    return site.emit("reshape", site.emit("transpose", parts, dim0=1, dim1=2), shape=shape)


def tile(site: Site) -> Values:
    """Lower ``tile``: repeat with missing counts of one in front."""
    value = site.value("self")
    counts = site.args["dims"]
    return site.emit("repeat", value, repeats=[1] * (site.type(value).rank - len(counts)) + counts)


def repeat_interleave(site: Site) -> Values:
    """Lower ``repeat_interleave`` by one number: a new axis behind, expanded and joined."""
    value, axis, count = site.value("self"), site.args["dim"], site.args["repeats"]
    if axis is None:
        value, axis = site.emit("flatten", value), 0
    shape = list(site.type(value).shape)
    axis %= len(shape)
    wide = site.emit("unsqueeze", value, dim=axis + 1)
    wide = site.emit("expand", wide, shape=(*shape[: axis + 1], count, *shape[axis + 1 :]))
    return site.emit("flatten", wide, start_dim=axis, end_dim=axis + 1)


def pad(site: Site) -> Values:
    """Lower the spellings of padding whose mode is in their name."""
    name = site.overload.name
    pairs = site.args["padding"] if "padding" in site.args else site.args["pad"]
    if "constant" in name:
        return site.emit("pad", site.value("self"), pad=pairs, value=site.args["value"] or None)
    mode = "reflect" if "reflection" in name else "replicate"
    return site.emit("pad", site.value("self"), pad=pairs, mode=mode)


def einsum(site: Site) -> Values:
    """Lower ``einsum``: an ellipsis becomes letters of its own, a missing output the letters that stand once."""
    equation, arrow, output = str(site.args["equation"]).replace(" ", "").partition("->")
    terms = equation.split(",")
    values = site.values("tensors")
    free = iter(letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in equation)
    widths = [site.type(v).rank - len(t.replace("...", "")) for t, v in zip(terms, values, strict=True)]
    wide = [width for term, width in zip(terms, widths, strict=True) if "..." in term]
    batch = "".join(next(free) for _ in range(max(wide, default=0)))
    spelled = [t.replace("...", batch[len(batch) - w :] if w else "") for t, w in zip(terms, widths, strict=True)]
    if not arrow:
        letters = "".join(sorted(c for c in set(equation) if c.isalpha() and equation.count(c) == 1))
        output = f"...{letters}" if wide else letters
    equation = f"{','.join(spelled)}->{output.replace('...', batch)}"
    return site.emit("einsum", *values, equation=equation)


def tensordot(site: Site) -> Values:
    """Lower ``tensordot`` as a sum over letters."""
    left, right = site.value("self"), site.value("other")
    ranks = site.type(left).rank, site.type(right).rank
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    first = [next(letters) for _ in range(ranks[0])]
    second = [next(letters) for _ in range(ranks[1])]
    for a, b in zip(site.args["dims_self"], site.args["dims_other"], strict=True):
        second[b] = first[a]
    summed = set(first) & set(second)
    output = [letter for letter in (*first, *second) if letter not in summed]
    return site.emit("einsum", left, right, equation=f"{''.join(first)},{''.join(second)}->{''.join(output)}")


def roll(site: Site) -> Values:
    """Lower ``roll``; without axes the elements move in the order in which they are read."""
    value = site.value("self")
    if site.args["dims"]:
        return site.emit("roll", value, shifts=site.args["shifts"], dims=site.args["dims"])
    moved = site.emit("roll", site.emit("flatten", value), shifts=site.args["shifts"], dims=(0,))
    return site.emit("reshape", moved, shape=site.type(value).shape)


def meshgrid(site: Site) -> Values:
    """Lower ``meshgrid``: every vector along its own axis, expanded."""
    values = site.values("tensors")
    made: list[str] = []
    for i, (value, result) in enumerate(zip(values, site.results, strict=True)):
        axis = 1 - i if site.args.get("indexing") == "xy" and i < 2 else i
        shape = [1] * len(values)
        shape[axis] = -1
        made.append(site.emit("expand", site.emit("reshape", value, shape=shape), shape=result.shape))
    return tuple(made)


_SPLITS = (
    "split.Tensor",
    "split.sizes",
    "split_with_sizes",
    "chunk",
    "unsafe_chunk",
    "unsafe_split.Tensor",
    "tensor_split.sections",
    "tensor_split.indices",
)

SHAPING: Mapping[str, Callable[[Site], Values]] = {
    **dict.fromkeys(_SPLITS, split),
    "view": reshape,
    "reshape": reshape,
    "_unsafe_view": reshape,
    "view_as": view_as,
    "reshape_as": view_as,
    "expand": expand,
    "expand_as": expand_as,
    "unflatten.int": unflatten,
    "t": swapped,
    "mT": swapped,
    "numpy_T": swapped,
    "movedim.intlist": movedim,
    "movedim.int": movedim,
    "channel_shuffle": channel_shuffle,
    "tile": tile,
    "repeat_interleave.self_int": repeat_interleave,
    "constant_pad_nd": pad,
    "reflection_pad1d": pad,
    "reflection_pad2d": pad,
    "replication_pad1d": pad,
    "replication_pad2d": pad,
    "einsum": einsum,
    "tensordot": tensordot,
    "roll": roll,
    "meshgrid": meshgrid,
    "meshgrid.indexing": meshgrid,
}
