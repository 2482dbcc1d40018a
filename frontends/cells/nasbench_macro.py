"""NAS-Bench-Macro strings as networks: eight digits, one a block of three stages (Su et al., CVPR 2021).

0 keeps its input (a 1x1 convolution where the shape changes), 1 is an inverted residual with 3x3 kernels and expansion
3, 2 one with 5x5 kernels and expansion 6. The first block of a stage halves the resolution and doubles the width.
"""

from __future__ import annotations

from ...ir import Builder, Module, NascError, f32, symbol

STAGES = (2, 3, 3)
STEM = 32
HEAD = 1280
BLOCKS = {"1": (3, 3), "2": (5, 6)}


def nasbench_macro(arch: str, classes: int = 10) -> Module:
    """Return the network of an architecture string, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    if len(arch) != sum(STAGES) or set(arch) - set("012"):
        raise NascError.of(
            f"{arch!r} is no nasbench_macro architecture",
            f"expected {sum(STAGES)} digits, each 0, 1 or 2",
            "cell-string",
        )
    b = Builder()
    x = _conv_bn(b, b.input("x", f32(symbol("N"), 3, 32, 32)), STEM, 3, "stem", act=True)
    digits = iter(arch)
    for stage, blocks in enumerate(STAGES):
        for index in range(blocks):
            x = _block(b, x, next(digits), STEM << (stage + 1), 1 if index else 2, f"stages.{stage}.{index}")
    x = _conv_bn(b, x, HEAD, 1, "head", act=True)
    x = b("adaptive_avg_pool2d", x, output_size=1, path="pool")
    x = b("flatten", x, start_dim=1, path="flatten")
    return b.module(b("linear", x, out_features=classes, path="classifier"), source=f"nasbench_macro:{arch}")


def _block(b: Builder, x: str, digit: str, width: int, stride: int, path: str) -> str:
    before = b.types[x].shape[1]
    assert isinstance(before, int)
    if digit == "0":
        return x if stride == 1 else _conv_bn(b, x, width, 1, path, stride=stride)
    kernel, expansion = BLOCKS[digit]
    inner = before * expansion
    y = _conv_bn(b, x, inner, 1, f"{path}.expand", act=True)
    y = _conv_bn(b, y, inner, kernel, f"{path}.depthwise", stride=stride, groups=inner, act=True)
    y = _conv_bn(b, y, width, 1, f"{path}.project")
    return b("add", x, y, path=f"{path}.sum") if stride == 1 else y


def _conv_bn(
    b: Builder, x: str, width: int, kernel: int, path: str, *, stride: int = 1, groups: int = 1, act: bool = False
) -> str:
    x = b(
        "conv2d",
        x,
        out_channels=width,
        kernel_size=kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=False,
        path=f"{path}.conv",
    )
    x = b("batch_norm", x, path=f"{path}.bn")
    return b("relu6", x, path=f"{path}.act") if act else x
