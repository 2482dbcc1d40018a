"""Networks that the tests of the predictor look at."""

from nasc.ir import Builder, Dim, Module, f32, symbol

N = symbol("N")


def conv(b: Builder, x: str, channels: Dim, path: str, kernel: int = 3, stride: int = 1, act: bool = True) -> str:
    """Conv-bn-relu."""
    x = b(
        "conv2d",
        x,
        out_channels=channels,
        kernel_size=kernel,
        stride=stride,
        padding=kernel // 2,
        bias=False,
        path=f"{path}.conv",
    )
    x = b("batch_norm", x, path=f"{path}.bn")
    return b("relu", x, path=f"{path}.relu") if act else x


def residual(stages: int = 3, blocks: int = 2, width: int = 32, kernel: int = 3) -> Module:
    """A residual network like those of CIFAR, with a flat entry graph."""
    b = Builder()
    x = conv(b, b.input("x", f32(N, 3, 32, 32)), width, "stem")
    for stage in range(stages):
        channels = width << stage
        for block in range(blocks):
            path, stride = f"stages.{stage}.{block}", 2 if stage and not block else 1
            y = conv(b, x, channels, f"{path}.a", kernel, stride)
            y = conv(b, y, channels, f"{path}.b", kernel, act=False)
            if stride > 1 or b.types[x].shape[1] != channels:
                x = conv(b, x, channels, f"{path}.down", 1, stride, act=False)
            x = b("add", x, y, path=f"{path}.sum")
            x = b("relu", x, path=f"{path}.out")
    x = b("adaptive_avg_pool2d", x, output_size=1, path="pool")
    x = b("dropout", b("flatten", x, start_dim=1, path="flat"), path="drop")
    return b.module(b("linear", x, out_features=10, path="fc"))


def transformer(blocks: int = 2, width: int = 64) -> Module:
    """A small vision transformer."""
    b = Builder()
    x = b.input("x", f32(N, 3, 32, 32))
    x = b("conv2d", x, out_channels=width, kernel_size=4, stride=4, path="patches")
    x = b("transpose", b("flatten", x, start_dim=2), dim0=1, dim1=2)
    place = b("parameter", key="position", shape=(1, 64, width))
    x = b("add", x, place)
    for i in range(blocks):
        y = b("layer_norm", x, normalized_shape=(width,), path=f"blocks.{i}.norm1")
        q, k, v = (b("linear", y, out_features=width, path=f"blocks.{i}.{n}") for n in "qkv")
        y = b("scaled_dot_product_attention", q, k, v, path=f"blocks.{i}.attention")
        x = b("add", x, b("linear", y, out_features=width, path=f"blocks.{i}.proj"))
        y = b("layer_norm", x, normalized_shape=(width,), path=f"blocks.{i}.norm2")
        y = b("gelu", b("linear", y, out_features=4 * width, path=f"blocks.{i}.fc1"))
        x = b("add", x, b("linear", y, out_features=width, path=f"blocks.{i}.fc2"))
    x = b("mean", x, dim=1)
    return b.module(b("linear", x, out_features=10, path="head"))
