"""Rules of the core ATen operations, which ``run_decompositions`` leaves: of several results one is the layer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import fx
from torch._ops import OpOverload

from ..overloads import overload
from ..site import Site, Values
from .weighted import WEIGHTED

Rule = Callable[[Site], Values]


def _first_of(name: str, results: int, **arguments: Any) -> Rule:
    """Return the rule of a call that is another with more results, of which only the first is given out."""
    plain = WEIGHTED[name]

    def rule(site: Site) -> Values:
        made = plain(replace(site, args={**site.args, **arguments}))
        assert isinstance(made, str)
        return (made, *[""] * (results - 1))

    return rule


def _norm(site: Site) -> Values:
    """Lower ``native_group_norm``, whose groups are called so otherwise."""
    made = WEIGHTED["group_norm"](replace(site, args={**site.args, "num_groups": site.args["group"]}))
    assert isinstance(made, str)
    return made, "", ""


def convolution(site: Site) -> Values:
    """Lower ``convolution``, which says by an argument whether it is transposed."""
    rank = len(site.args["weight"].meta["val"].shape) - 2
    name = f"conv_transpose{rank}d{'.input' if rank > 1 else ''}" if site.args["transposed"] else f"conv{rank}d"
    return WEIGHTED[name](site)


def batch_statistics(site: Site) -> Values:
    """Lower a batch norm without running statistics."""
    arguments = {"running_mean": None, "running_var": None}
    made = WEIGHTED["batch_norm"](replace(site, args={**site.args, **arguments}))
    assert isinstance(made, str)
    return made, "", ""


def dropout(site: Site) -> Values:
    """Lower ``native_dropout``, whose second result, the mask, is not given out."""
    return site.emit("dropout", site.value("input"), p=site.args["p"]), ""


def attention(site: Site) -> Values:
    """Lower the attention of one backend; only its first result is given out."""
    operands = [site.value(name) for name in ("query", "key", "value")]
    if site.given("attn_mask"):
        operands.append(site.value("attn_mask"))
    facts: dict[str, Any] = {name: site.args[name] for name in ("dropout_p", "is_causal")}
    made = site.emit("scaled_dot_product_attention", *operands, scale=site.args["scale"], **facts)
    return made, *[""] * (len(site.node.meta["val"]) - 1)


def product(site: Site) -> Values:
    """Lower ``addmm`` and ``mm``: a linear layer where the second matrix is a weight, transposed."""
    second = "mat2" if "mat2" in site.args else "mat1"
    weight = _transposed(site.args[second])
    scaled = site.args.get("alpha", 1) != 1 or site.args.get("beta", 1) != 1
    if weight is None or scaled or not _is_layer(site):
        return _plain_product(site)
    bias = site.args["self"] if "mat1" in site.args else None
    columns = site.translation.sizes.type(weight.meta["val"]).shape[0]
    return site.layer(
        "linear",
        site.value("mat1" if "mat1" in site.args else "self"),
        {"weight": weight, "bias": bias},
        out_features=columns,
        bias=bias is not None,
    )


def _is_layer(site: Site) -> bool:
    """Return whether the term that is added is a vector, a bias."""
    return "mat1" not in site.args or len(site.args["self"].meta["val"].shape) == 1


def _plain_product(site: Site) -> Values:
    from .arithmetic import addmm

    if "mat1" in site.args:
        return addmm(site)
    return site.emit("matmul", site.value("self"), site.value("mat2"))


def _transposed(node: object) -> fx.Node | None:
    """Return the weight of which a node is the transpose; None where it is something else."""
    if not isinstance(node, fx.Node) or not isinstance(node.target, OpOverload):
        return None
    base, source = overload(node.target).base, node.args[0]
    swaps = base == "t" or (base == "permute" and node.args[1] in ([1, 0], (1, 0)))
    return source if swaps and isinstance(source, fx.Node) and source.op == "placeholder" else None


DECOMPOSED: Mapping[str, Rule] = {
    "convolution": convolution,
    "addmm": product,
    "mm": product,
    "native_layer_norm": _first_of("layer_norm", 3),
    "native_group_norm": _norm,
    "_fused_rms_norm": _first_of("rms_norm", 2),
    "_native_batch_norm_legit_no_training": _first_of("batch_norm", 3, training=False),
    "_native_batch_norm_legit": _first_of("batch_norm", 3),
    "native_batch_norm": _first_of("batch_norm", 3),
    "_native_batch_norm_legit.no_stats": batch_statistics,
    "native_dropout": dropout,
    "_scaled_dot_product_flash_attention_for_cpu": attention,
    "_scaled_dot_product_attention_math": attention,
    "_adaptive_avg_pool2d": lambda site: site.emit(
        "adaptive_avg_pool2d", site.subject, output_size=site.args["output_size"]
    ),
    "_adaptive_avg_pool3d": lambda site: site.emit(
        "adaptive_avg_pool3d", site.subject, output_size=site.args["output_size"]
    ),
    "_softmax": lambda site: site.emit("softmax", site.subject, dim=site.args["dim"]),
    "_log_softmax": lambda site: site.emit("log_softmax", site.subject, dim=site.args["dim"]),
}
