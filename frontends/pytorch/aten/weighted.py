"""Rules of the calls that own weights: convolutions, linear, normalisation, embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....ir import Dim
from ..site import Site, Values


def _convolution(rank: int) -> Callable[[Site], Values]:
    def rule(site: Site) -> Values:
        return _convolve(site, rank, site.value("input"), site.dims("padding"))

    return rule


def _convolve(site: Site, rank: int, operand: str, padding: tuple[Dim, ...]) -> Values:
    weight = site.translation.sizes.type(site.args["weight"].meta["val"]).shape
    return site.layer(
        f"conv{rank}d",
        operand,
        {"weight": site.args["weight"], "bias": site.args["bias"]},
        out_channels=weight[0],
        kernel_size=weight[2:],
        stride=site.dims("stride"),
        padding=padding,
        dilation=site.dims("dilation"),
        groups=site.args["groups"],
        bias=site.given("bias"),
    )


def _named_padding(rank: int) -> Callable[[Site], Values]:
    """Return the rule of ``padding="same"``: total ``dilation * (kernel - 1)``, the odd one behind."""

    def rule(site: Site) -> Values:
        operand = site.value("input")
        if site.args["padding"] == "valid":
            return _convolve(site, rank, operand, (0,) * rank)
        weight = site.translation.sizes.type(site.args["weight"].meta["val"]).shape
        dilation = site.dims("dilation") * (rank if len(site.args["dilation"]) == 1 else 1)
        totals = [d * (k - 1) for d, k in zip(dilation, weight[2:], strict=True)]
        if all(isinstance(total, int) and total % 2 == 0 for total in totals):
            return _convolve(site, rank, operand, tuple(total // 2 for total in totals))
        pad = [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
        return _convolve(site, rank, site.emit("pad", operand, pad=pad), (0,) * rank)

    return rule


def _transposed(rank: int) -> Callable[[Site], Values]:
    def rule(site: Site) -> Values:
        weight = site.translation.sizes.type(site.args["weight"].meta["val"]).shape
        groups = site.args["groups"]
        return site.layer(
            f"conv_transpose{rank}d",
            site.value("input"),
            {"weight": site.args["weight"], "bias": site.args["bias"]},
            out_channels=weight[1] * groups,
            kernel_size=weight[2:],
            stride=site.dims("stride"),
            padding=site.dims("padding"),
            output_padding=site.dims("output_padding"),
            dilation=site.dims("dilation"),
            groups=groups,
            bias=site.given("bias"),
        )

    return rule


def linear(site: Site) -> Values:
    """Lower ``linear(input, weight, bias)``."""
    weight = site.translation.sizes.type(site.args["weight"].meta["val"]).shape
    return site.layer(
        "linear",
        site.value("input"),
        {"weight": site.args["weight"], "bias": site.args["bias"]},
        out_features=weight[0],
        bias=site.given("bias"),
    )


def batch_norm(site: Site) -> Values:
    """Lower ``batch_norm``; the layer's ``num_batches_tracked`` is its state, though the call does not read it."""
    tracked = site.given("running_mean")
    if site.args["training"] and tracked:
        raise site.unsupported("it normalises by the batch in evaluation mode", "call model.eval() honestly")
    affine = site.given("weight") and site.given("bias")
    names = (("weight", "bias") if affine else ()) + ("running_mean", "running_var")
    made = site.layer(
        "batch_norm",
        site.value("input"),
        {name: site.args[name] for name in names},
        ("num_batches_tracked",) if tracked else (),
        eps=site.args["eps"],
        momentum=site.args["momentum"],
        affine=affine,
        track_running_stats=tracked,
    )
    return made if affine else _scaled_and_shifted(site, made)


def _scaled_and_shifted(site: Site, value: str) -> str:
    """Return a normalised value times the weight or plus the bias of its channels, where the call has only one."""
    columns = site.type(value).rank - 2
    for name, op in (("weight", "mul"), ("bias", "add")):
        if site.given(name):
            one = site.value(name)
            wide = site.emit("reshape", one, shape=(*site.type(one).shape, *[1] * columns)) if columns else one
            value = site.emit(op, value, wide)
    return value


def layer_norm(site: Site) -> Values:
    """Lower ``layer_norm``; a bias without a weight is added afterwards."""
    weight, bias = site.args["weight"], site.args["bias"]
    if weight is None and bias is not None:
        plain = site.emit(
            "layer_norm",
            site.value("input"),
            normalized_shape=site.dims("normalized_shape"),
            eps=site.args["eps"],
            elementwise_affine=False,
        )
        return site.emit("add", plain, site.value("bias"))
    return site.layer(
        "layer_norm",
        site.value("input"),
        {"weight": weight, "bias": bias},
        normalized_shape=site.dims("normalized_shape"),
        eps=site.args["eps"],
        elementwise_affine=weight is not None,
        bias=weight is None or bias is not None,
    )


def rms_norm(site: Site) -> Values:
    """Lower ``rms_norm``."""
    return site.layer(
        "rms_norm",
        site.value("input"),
        {"weight": site.args["weight"]},
        normalized_shape=site.dims("normalized_shape"),
        eps=site.args["eps"],
        elementwise_affine=site.given("weight"),
    )


def group_norm(site: Site) -> Values:
    """Lower ``group_norm``."""
    affine = site.given("weight") and site.given("bias")
    made = site.layer(
        "group_norm",
        site.value("input"),
        {"weight": site.args["weight"], "bias": site.args["bias"]} if affine else {},
        num_groups=site.args["num_groups"],
        eps=site.args["eps"],
        affine=affine,
    )
    return made if affine else _scaled_and_shifted(site, made)


def instance_norm(site: Site) -> Values:
    """Lower ``instance_norm`` without running statistics: a group norm with one group a channel."""
    if site.given("running_mean") and not site.args["use_input_stats"]:
        raise site.unsupported("it normalises by running statistics", "use track_running_stats=False")
    return site.layer(
        "group_norm",
        site.value("input"),
        {"weight": site.args["weight"], "bias": site.args["bias"]},
        num_groups=site.type(site.value("input")).shape[1],
        eps=site.args["eps"],
        affine=site.given("weight"),
    )


def embedding(site: Site) -> Values:
    """Lower ``embedding(weight, indices)``."""
    weight = site.translation.sizes.type(site.args["weight"].meta["val"])
    padding = site.args["padding_idx"]
    return site.layer(
        "embedding",
        site.value("indices"),
        {"weight": site.args["weight"]},
        num_embeddings=weight.shape[0],
        embedding_dim=weight.shape[1],
        padding_idx=None if padding == -1 else padding,
        dtype=weight.dtype,
    )


def prelu(site: Site) -> Values:
    """Lower ``prelu(self, weight)``."""
    (count,) = site.translation.sizes.type(site.args["weight"].meta["val"]).shape or (1,)
    return site.layer("prelu", site.value("self"), {"weight": site.args["weight"]}, num_parameters=count)


WEIGHTED: Mapping[str, Callable[[Site], Values]] = {
    "conv1d": _convolution(1),
    "conv2d": _convolution(2),
    "conv3d": _convolution(3),
    "conv1d.padding": _named_padding(1),
    "conv2d.padding": _named_padding(2),
    "conv3d.padding": _named_padding(3),
    "conv_transpose1d": _transposed(1),
    "conv_transpose2d.input": _transposed(2),
    "conv_transpose3d.input": _transposed(3),
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "embedding": embedding,
    "prelu": prelu,
}
