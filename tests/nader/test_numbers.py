"""Blocks compute what the language says: windows against padding and cropping written out, networks that train."""

from itertools import product
from math import ceil

import pytest
import torch
from torch.nn import functional as F

from nasc.backends import instantiate
from nasc.frontends.nader import lower_blocks
from nasc.ir import f32

WINDOWS = [w for w in product((1, 2, 3, 4, 7), (1, 2, 3), (1, 2, 3)) if w[2] == 1 or w[:2] in ((2, 1), (3, 2))]


def single(operation: str, stride: int) -> str:
    """Return a stem of one operation between 1x1 convolutions, which make dim channels of any number."""
    return f"##one_stem##\n0:input\n1:output\n2:{operation}\n3:Conv2d(dim,1)\n0->2\n2->3\n3->1\n"


def padded(x: torch.Tensor, kernel: int, stride: int, dilation: int, fill: float) -> tuple[torch.Tensor, int]:
    pad = max(ceil((dilation * (kernel - 1) + 1 - stride) / 2), 0)
    return F.pad(x, (pad,) * 4, value=fill), pad


def cropped(y: torch.Tensor, x: torch.Tensor, stride: int, pad: int, span: int) -> torch.Tensor:
    """Crop as the paper's rule says, and to size // stride where that leaves more."""
    if pad == span / 2:
        y = y[:, :, :-1, :-1]
        assert y.shape[2:] == x.shape[2:]
    return y[:, :, : x.shape[2] // stride, : x.shape[3] // stride]


@pytest.mark.parametrize("size", [(12, 24), (13, 17)])
def test_convolutions_are_padded_and_cropped_by_the_rule(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    for kernel, stride, dilation in WINDOWS:
        text = single(f"Conv2d(out_channels=C*2,kernel_size={kernel},stride={stride},dilation={dilation})", stride)
        model = instantiate(lower_blocks([(text, "one.txt")], {"dim": 4}, [f32(1, 3, *size)]))
        state = model.state_dict()
        wide, pad = padded(x, kernel, stride, dilation, 0.0)
        y = F.conv2d(wide, state["conv2.weight"], state["conv2.bias"], stride, 0, dilation)
        y = cropped(y, x, stride, pad, dilation * (kernel - 1) + 1)
        expected = F.conv2d(y, state["conv3.weight"], state["conv3.bias"])
        assert expected.shape[2:] == (size[0] // stride, size[1] // stride)
        torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("operation", ["MaxPool2d", "AvgPool2d"])
def test_pools_are_padded_and_cropped_by_the_rule(operation: str) -> None:
    x = torch.randn(2, 3, 13, 24)
    fill = -torch.inf if operation == "MaxPool2d" else 0.0
    pool = F.max_pool2d if operation == "MaxPool2d" else F.avg_pool2d
    for kernel, stride in [(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (5, 2), (3, 3), (5, 4), (2, 3)]:
        text = single(f"{operation}({kernel},{stride})", stride)
        model = instantiate(lower_blocks([(text, "one.txt")], {"dim": 4}, [f32(1, 3, 13, 24)]))
        state = model.state_dict()
        wide, pad = padded(x, kernel, stride, 1, fill)
        y = cropped(pool(wide, kernel, stride), x, stride, pad, kernel)
        torch.testing.assert_close(model(x), F.conv2d(y, state["conv3.weight"], state["conv3.bias"]))


@pytest.mark.parametrize(("widths", "size"), [((8, 16), (16, 24)), ((12, 20), (33, 31))])
def test_networks_of_blocks_train(blocks: str, widths: tuple[int, int], size: tuple[int, int]) -> None:
    settings = {"widths": widths, "depths": (2, 1), "classes": 5}
    module = lower_blocks([(blocks, "blocks.txt")], settings, [f32(1, 3, *size)])
    model = instantiate(module).train()
    scores = model(torch.randn(3, 3, *size))
    assert scores.shape == (3, 5)
    F.cross_entropy(scores, torch.tensor([0, 1, 2])).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) > 0 for gradient in gradients if gradient is not None) > len(gradients) // 2


def test_sums_products_and_the_order_of_operands() -> None:
    text = (
        "##order##\n0:input\n1:output\n2:permute(0,1,3,2)\n3:Multiply\n4:softmax(dim=3)\n5:Multiply\n"
        "6:Add\n7:mean(dim=(2,3))\n8:max(dim=1)\n9:Mul\n10:concat(dim=1)\n11:Conv2d(C,1)\n"
        "0->2\n0,2->3\n3->4\n4,0->5\n5,5->6\n0->7\n0->8\n6,7,8->9\n9,0->10\n10->11\n11->1\n"
    )
    x = torch.randn(2, 3, 5, 7)
    model = instantiate(lower_blocks([(text, "order.txt")], {}, [f32(1, 3, 5, 7)]))
    y = torch.softmax(x @ x.permute(0, 1, 3, 2), 3) @ x
    y = (y + y) * x.mean((2, 3), keepdim=True) * x.max(1, keepdim=True).values
    state = model.state_dict()
    expected = F.conv2d(torch.cat([y, x], 1), state["conv11.weight"], state["conv11.bias"])
    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-5)
