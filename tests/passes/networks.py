"""Networks for the tests of passes, built by hand with the paths and classes of their PyTorch originals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nasc.ir import Builder, Module, f32, symbol
from nasc.ir.diagnostics import Loc

N = symbol("N")


def resnet(depths: tuple[int, ...] = (2, 2, 2, 2), width: int = 64, size: int = 224, classes: int = 1000) -> Module:
    """ResNet of basic blocks; (2, 2, 2, 2) is ResNet-18."""
    b = Builder()
    x = b.input("x", f32(N, 3, size, size))
    scopes = {"": "ResNet"}
    x = b("conv2d", x, out_channels=width, kernel_size=7, stride=2, padding=3, bias=False, path="conv1")
    x = b("relu", b("batch_norm", x, path="bn1"), path="act1")
    x = b("max_pool2d", x, kernel_size=3, stride=2, padding=1, path="maxpool")
    for stage, depth in enumerate(depths):
        scopes[f"layer{stage + 1}"] = "Sequential"
        for index in range(depth):
            path = f"layer{stage + 1}.{index}"
            x = basic_block(b, x, path, width << stage, 2 if stage and not index else 1, scopes)
    x = b("flatten", b("adaptive_avg_pool2d", x, output_size=1, path="pool"), start_dim=1, path="pool")
    x = b("linear", x, out_features=classes, path="fc")
    return Module((b.finish(x, scopes=scopes),))


def basic_block(b: Builder, x: str, path: str, channels: int, stride: int, scopes: dict[str, str]) -> str:
    scopes[path] = "BasicBlock"
    loc = Loc("resnet.py", 40, 9)
    y = b(
        "conv2d",
        x,
        out_channels=channels,
        kernel_size=3,
        stride=stride,
        padding=1,
        bias=False,
        path=f"{path}.conv1",
        loc=loc,
    )
    y = b("relu", b("batch_norm", y, path=f"{path}.bn1"), path=f"{path}.act1")
    y = b("conv2d", y, out_channels=channels, kernel_size=3, padding=1, bias=False, path=f"{path}.conv2")
    y = b("batch_norm", y, path=f"{path}.bn2")
    if stride != 1 or b.types[x].shape[1] != channels:
        scopes[f"{path}.downsample"] = "Sequential"
        x = b(
            "conv2d",
            x,
            out_channels=channels,
            kernel_size=1,
            stride=stride,
            bias=False,
            path=f"{path}.downsample.0",
        )
        x = b("batch_norm", x, path=f"{path}.downsample.1")
    return b("relu", b("add", y, x, path=path), path=f"{path}.act2")


def bottleneck_resnet(depths: tuple[int, ...] = (3, 4, 6, 3), size: int = 224) -> Module:
    """ResNet of bottlenecks; the default is ResNet-50."""
    b = Builder()
    x = b.input("x", f32(N, 3, size, size))
    scopes = {"": "ResNet"}
    x = b("conv2d", x, out_channels=64, kernel_size=7, stride=2, padding=3, bias=False, path="conv1")
    x = b("relu", b("batch_norm", x, path="bn1"), path="act1")
    x = b("max_pool2d", x, kernel_size=3, stride=2, padding=1, path="maxpool")
    for stage, depth in enumerate(depths):
        scopes[f"layer{stage + 1}"] = "Sequential"
        for index in range(depth):
            path = f"layer{stage + 1}.{index}"
            x = bottleneck(b, x, path, 64 << stage, 2 if stage and not index else 1, scopes)
    x = b("flatten", b("adaptive_avg_pool2d", x, output_size=1, path="pool"), start_dim=1, path="pool")
    return Module((b.finish(b("linear", x, out_features=1000, path="fc"), scopes=scopes),))


def bottleneck(b: Builder, x: str, path: str, width: int, stride: int, scopes: dict[str, str]) -> str:
    scopes[path] = "Bottleneck"
    y = b("conv2d", x, out_channels=width, kernel_size=1, bias=False, path=f"{path}.conv1")
    y = b("relu", b("batch_norm", y, path=f"{path}.bn1"), path=f"{path}.act1")
    y = b(
        "conv2d",
        y,
        out_channels=width,
        kernel_size=3,
        stride=stride,
        padding=1,
        bias=False,
        path=f"{path}.conv2",
    )
    y = b("relu", b("batch_norm", y, path=f"{path}.bn2"), path=f"{path}.act2")
    y = b("conv2d", y, out_channels=width * 4, kernel_size=1, bias=False, path=f"{path}.conv3")
    y = b("batch_norm", y, path=f"{path}.bn3")
    if stride != 1 or b.types[x].shape[1] != width * 4:
        scopes[f"{path}.downsample"] = "Sequential"
        x = b(
            "conv2d",
            x,
            out_channels=width * 4,
            kernel_size=1,
            stride=stride,
            bias=False,
            path=f"{path}.downsample.0",
        )
        x = b("batch_norm", x, path=f"{path}.downsample.1")
    return b("relu", b("add", y, x, path=path), path=f"{path}.act3")


def mobilenet(size: int = 64) -> Module:
    """Inverted residuals with squeeze-and-excitation, kernels of 3 and 5."""
    b = Builder()
    x = b.input("x", f32(N, 3, size, size))
    scopes = {"": "MobileNetV3", "blocks": "Sequential"}
    x = b("conv2d", x, out_channels=16, kernel_size=3, stride=2, padding=1, bias=False, path="conv_stem")
    x = b("hardswish", b("batch_norm", x, path="bn1"), path="bn1.act")
    plan = [
        (16, 32, 3, 2),
        (16, 64, 3, 1),
        (24, 64, 5, 2),
        (24, 96, 5, 1),
        (40, 96, 3, 2),
        (40, 160, 5, 1),
        (40, 160, 5, 1),
    ]
    for index, (out, hidden, kernel, stride) in enumerate(plan):
        x = inverted_residual(b, x, f"blocks.{index}", out, hidden, kernel, stride, scopes)
    x = b(
        "flatten",
        b("adaptive_avg_pool2d", x, output_size=1, path="global_pool"),
        start_dim=1,
        path="global_pool",
    )
    return Module((b.finish(b("linear", x, out_features=10, path="classifier"), scopes=scopes),))


def inverted_residual(
    b: Builder, x: str, path: str, out: int, hidden: int, kernel: int, stride: int, scopes: dict[str, str]
) -> str:
    scopes[path], scopes[f"{path}.se"] = "InvertedResidual", "SqueezeExcite"
    y = b("conv2d", x, out_channels=hidden, kernel_size=1, bias=False, path=f"{path}.conv_pw")
    y = b("hardswish", b("batch_norm", y, path=f"{path}.bn1"), path=f"{path}.bn1.act")
    window: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": kernel // 2}
    y = b("conv2d", y, out_channels=hidden, **window, groups=hidden, bias=False, path=f"{path}.conv_dw")
    y = b("hardswish", b("batch_norm", y, path=f"{path}.bn2"), path=f"{path}.bn2.act")
    s = b("mean", y, dim=(2, 3), keepdim=True, path=f"{path}.se")
    s = b(
        "relu",
        b("conv2d", s, out_channels=hidden // 4, kernel_size=1, path=f"{path}.se.conv_reduce"),
        path=f"{path}.se.act1",
    )
    s = b(
        "hardsigmoid",
        b("conv2d", s, out_channels=hidden, kernel_size=1, path=f"{path}.se.conv_expand"),
        path=f"{path}.se.gate",
    )
    y = b("mul", y, s, path=f"{path}.se")
    y = b(
        "batch_norm",
        b("conv2d", y, out_channels=out, kernel_size=1, bias=False, path=f"{path}.conv_pwl"),
        path=f"{path}.bn3",
    )
    return b("add", y, x, path=path) if stride == 1 and b.types[x].shape[1] == out else y


def vit(depth: int = 4, width: int = 48, heads: int = 3, size: int = 32, patch: int = 8) -> Module:
    """Vision transformer with a class token."""
    b = Builder()
    x = b.input("x", f32(N, 3, size, size))
    scopes = {"": "VisionTransformer", "blocks": "Sequential", "patch_embed": "PatchEmbed"}
    x = b("conv2d", x, out_channels=width, kernel_size=patch, stride=patch, path="patch_embed.proj")
    x = b("transpose", b("flatten", x, start_dim=2, path="patch_embed"), dim0=1, dim1=2, path="patch_embed")
    token = b("expand", b("parameter", key="cls_token", shape=(1, 1, width), name="cls_token"), shape=(N, 1, width))
    x = b("cat", token, x, dim=1)
    length = (size // patch) ** 2 + 1
    x = b("add", x, b("parameter", key="pos_embed", shape=(1, length, width), name="pos_embed"))
    for index in range(depth):
        x = transformer_block(b, x, f"blocks.{index}", heads, scopes)
    x = b("layer_norm", x, normalized_shape=width, path="norm")
    x = b("select", x, dim=1, index=0)
    return Module((b.finish(b("linear", x, out_features=10, path="head"), scopes=scopes),))


def transformer_block(b: Builder, x: str, path: str, heads: int, scopes: dict[str, str]) -> str:
    scopes[path], scopes[f"{path}.attn"], scopes[f"{path}.mlp"] = "Block", "Attention", "Mlp"
    _, length, width = b.types[x].shape
    assert isinstance(width, int)
    y = b("layer_norm", x, normalized_shape=width, path=f"{path}.norm1")
    y = b("linear", y, out_features=3 * width, path=f"{path}.attn.qkv")
    y = b("reshape", y, shape=(N, length, 3, heads, width // heads), path=f"{path}.attn")
    y = b("permute", y, dims=(2, 0, 3, 1, 4), path=f"{path}.attn")
    from nasc.ir import OPS, build

    q, k, v = b.add(build(OPS["unbind"], {"dim": 0}), [y], path=f"{path}.attn")
    y = b("scaled_dot_product_attention", q, k, v, path=f"{path}.attn")
    y = b(
        "reshape",
        b("transpose", y, dim0=1, dim1=2, path=f"{path}.attn"),
        shape=(N, length, width),
        path=f"{path}.attn",
    )
    x = b("add", x, b("linear", y, out_features=width, path=f"{path}.attn.proj"), path=path)
    y = b(
        "linear",
        b("layer_norm", x, normalized_shape=width, path=f"{path}.norm2"),
        out_features=4 * width,
        path=f"{path}.mlp.fc1",
    )
    y = b("linear", b("gelu", y, path=f"{path}.mlp.act"), out_features=width, path=f"{path}.mlp.fc2")
    return b("add", x, y, path=path)


def densenet(depths: tuple[int, ...] = (3, 4), growth: int = 8, size: int = 32) -> Module:
    """Dense blocks, each layer reading all before it, with transitions between them."""
    b = Builder()
    x = b.input("x", f32(N, 3, size, size))
    scopes = {"": "DenseNet"}
    x = b("conv2d", x, out_channels=16, kernel_size=3, padding=1, bias=False, path="features.conv0")
    for stage, depth in enumerate(depths):
        block = f"features.denseblock{stage + 1}"
        scopes[block] = "DenseBlock"
        features = [x]
        for index in range(depth):
            features.append(dense_layer(b, features, f"{block}.denselayer{index + 1}", growth, scopes))
        x = b("cat", *features, dim=1, path=block)
        if stage + 1 < len(depths):
            channels = b.types[x].shape[1]
            assert isinstance(channels, int)
            path = f"features.transition{stage + 1}"
            scopes[path] = "Transition"
            x = b("relu", b("batch_norm", x, path=f"{path}.norm"), path=f"{path}.relu")
            x = b("conv2d", x, out_channels=channels // 2, kernel_size=1, bias=False, path=f"{path}.conv")
            x = b("avg_pool2d", x, kernel_size=2, stride=2, path=f"{path}.pool")
    x = b("relu", b("batch_norm", x, path="features.norm5"))
    x = b("flatten", b("adaptive_avg_pool2d", x, output_size=1), start_dim=1)
    return Module((b.finish(b("linear", x, out_features=10, path="classifier"), scopes=scopes),))


def dense_layer(b: Builder, features: list[str], path: str, growth: int, scopes: dict[str, str]) -> str:
    scopes[path] = "DenseLayer"
    y = b("cat", *features, dim=1, path=path)
    y = b("relu", b("batch_norm", y, path=f"{path}.norm1"), path=f"{path}.relu1")
    y = b("conv2d", y, out_channels=4 * growth, kernel_size=1, bias=False, path=f"{path}.conv1")
    y = b("relu", b("batch_norm", y, path=f"{path}.norm2"), path=f"{path}.relu2")
    return b("conv2d", y, out_channels=growth, kernel_size=3, padding=1, bias=False, path=f"{path}.conv2")


SMALL: dict[str, Callable[[], Module]] = {
    "resnet": lambda: resnet((2, 2, 2), 16, 32, 10),
    "mobilenet": mobilenet,
    "vit": vit,
    "densenet": densenet,
}
