"""From what an idea speaks of to the words of edits that carry it out: ``depthwise`` is a convolution with groups."""

from __future__ import annotations

import re

_TERMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"depth-?wise|group(?:ed)? conv|separable", ("groups=",)),
    (r"dilat|atrous|receptive field", ("dilation=", "kernel_size=5", "kernel_size=7", "nor_conv_3x3")),
    (r"point-?wise|1\s*x\s*1|bottleneck", ("kernel_size=1", "nor_conv_1x1")),
    (r"3\s*x\s*3", ("kernel_size=3", "nor_conv_3x3")),
    (r"large[r]? kernel|kernel size|5\s*x\s*5|7\s*x\s*7", ("kernel_size=5", "kernel_size=7", "nor_conv_3x3")),
    (r"residual|skip|shortcut|identity mapping", ("skip %", "skip_connect")),
    (r"dense(?:ly)? connect|feature reuse|multi-?branch|branches|parallel", ("skip %", "skip_connect", "nor_conv")),
    (r"batch.?norm", ("batch_norm",)),
    (r"group.?norm", ("group_norm",)),
    (r"layer.?norm", ("layer_norm",)),
    (r"rms.?norm", ("rms_norm",)),
    (r"gelu", ("gelu",)),
    (r"swish|silu", ("silu", "hardswish")),
    (r"leaky", ("leaky_relu",)),
    (r"mish", ("mish",)),
    (r"max.?pool", ("max_pool",)),
    (r"average.?pool|avg.?pool|pooling", ("avg_pool",)),
    (r"drop-?out|regulari[sz]", ("dropout",)),
    (r"wide[nr]?|channels|width", ("out_channels=", "out_features=", "nor_conv_3x3")),
    (r"deep(?:er|en)|more layers|stack|depth\b", ("repeat %", "conv1d {", "conv2d {", "nor_conv_3x3")),
    (r"prun|fewer|remov|simplif", ("delete %", "none")),
    (r"channel attention|squeeze|gat(?:e|ing)|sigmoid", ("sigmoid", "hardsigmoid")),
)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of edits for the terms in a text; none where it has no term that we know."""
    found: list[str] = []
    for pattern, words in _TERMS:
        if re.search(pattern, text, re.IGNORECASE):
            found += words
    return tuple(dict.fromkeys(found))
