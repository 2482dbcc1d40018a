"""Rules of attention and of einsum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import ascii_letters

from ....ir import DType
from ..places import unsupported
from ..site import Site, Values


def attention(site: Site) -> Values:
    """Lower ``Attention`` without a cache; other forms are written out by the standard's function."""
    from ..translation import UseFunctionError

    plain = not any(site.has(i) for i in (4, 5, 6)) and not any(site.wants(i) for i in (1, 2, 3))
    masked, causal = site.has(3), bool(site.integer("is_causal", 0))
    if not plain or (masked and causal) or site.real("softcap", 0.0):
        raise UseFunctionError
    query, key = _headed(site, 0, "q_num_heads"), _headed(site, 1, "kv_num_heads")
    value = _headed(site, 2, "kv_num_heads")
    kinds = [site.type(name) for name in (query, key, value)]
    if masked and _misses(site, kinds[0].shape[-2], kinds[1].shape[-2]):
        raise UseFunctionError
    scale = site.real("scale", 0.0)
    made = site.emit(
        "scaled_dot_product_attention",
        query,
        key,
        value,
        *([site.value(3)] if masked else []),
        is_causal=causal,
        scale=scale or None,
        enable_gqa=kinds[0].shape[1] != kinds[1].shape[1],
    )
    if site.input_type(0).rank == 4:
        return made
    n, heads, length, width = site.type(made).shape
    return site.reshape(site.permute(made, (0, 2, 1, 3)), (n, length, heads * width))


def _misses(site: Site, rows: object, columns: object) -> bool:
    mask = site.input_type(3)
    floating = mask.dtype is DType.BOOL or mask.dtype is site.input_type(0).dtype
    return not floating or mask.rank < 2 or mask.shape[-1] != columns or mask.shape[-2] not in (1, rows)


def _headed(site: Site, index: int, count: str) -> str:
    """Return an input as ``[N, heads, L, E]``."""
    x = site.value(index)
    kind = site.type(x)
    if kind.rank == 4:
        return x
    heads = site.integer(count, 0)
    if kind.rank != 3 or heads < 1:
        raise unsupported(f"Attention of {kind} with {heads} heads", "expected [N,L,E] and the number of heads")
    n, length, width = kind.shape
    return site.permute(site.reshape(x, (n, length, heads, width // heads)), (0, 2, 1, 3))


def einsum(site: Site) -> Values:
    """Lower ``Einsum``: dots become letters, and an output that is left out is said."""
    left, arrow, right = site.word("equation", "").replace(" ", "").partition("->")
    terms = left.split(",")
    values = site.values()
    if len(terms) != len(values):
        raise unsupported(f"Einsum of {len(values)} operands by {left[:80]!r}", "expected one term an operand")
    free = [letter for letter in ascii_letters if letter not in left]
    extra = [site.type(v).rank - len(t.replace("...", "")) for t, v in zip(terms, values, strict=True) if "..." in t]
    rank = max([0, *extra])
    if min([0, *extra]) < 0 or rank > len(free):
        raise unsupported(f"Einsum by {left[:80]!r} of operands of other ranks", "expected one letter an axis")
    dots = "".join(free[:rank])
    full: list[str] = []
    for term, value in zip(terms, values, strict=True):
        own = site.type(value).rank - len(term.replace("...", ""))
        full.append(term.replace("...", dots[rank - own :] if own else ""))
    letters = "".join(full)
    if not arrow:
        once = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots)
        right = "..." + "".join(once)
    return site.emit("einsum", *values, equation=f"{','.join(full)}->{right.replace('...', dots)}")


RULES: Mapping[str, Callable[[Site], Values]] = {"Attention": attention, "Einsum": einsum}
