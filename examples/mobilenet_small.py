"""A small MobileNetV3-like network for 64x64 images: inverted residuals, squeeze-and-excitation, hard swish.

nasc lower examples/mobilenet_small.py
"""

import torch
from torch import nn

input_shape = (1, 3, 64, 64)


def conv_bn(in_channels, out_channels, kernel_size, stride=1, groups=1, activation: type[nn.Module] = nn.Hardswish):
    """Convolution, batch norm, activation."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        activation(),
    )


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from the mean of all channels."""

    def __init__(self, channels, reduction=4):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        gate = x.mean((2, 3), keepdim=True)
        gate = torch.relu(self.squeeze(gate))
        return x * nn.functional.hardsigmoid(self.excite(gate))


class InvertedResidual(nn.Module):
    """Expand the channels, convolve each alone, gate, and project back."""

    def __init__(self, in_channels, out_channels, expansion, kernel_size=3, stride=1):
        super().__init__()
        hidden = in_channels * expansion
        self.expand = conv_bn(in_channels, hidden, 1)
        self.depthwise = conv_bn(hidden, hidden, kernel_size, stride, groups=hidden)
        self.gate = SqueezeExcite(hidden)
        self.project = conv_bn(hidden, out_channels, 1, activation=nn.Identity)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        y = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class MobileNet(nn.Module):
    def __init__(self, num_classes=100):
        super().__init__()
        self.stem = conv_bn(3, 16, 3, stride=2)
        self.blocks = nn.Sequential(
            InvertedResidual(16, 24, 4, stride=2),
            InvertedResidual(24, 24, 3),
            InvertedResidual(24, 40, 3, kernel_size=5, stride=2),
            InvertedResidual(40, 40, 3, kernel_size=5),
            InvertedResidual(40, 80, 6, kernel_size=5, stride=2),
            InvertedResidual(80, 80, 4, kernel_size=5),
        )
        self.head = conv_bn(80, 320, 1)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(320, num_classes)

    def forward(self, x):
        x = self.head(self.blocks(self.stem(x)))
        x = x.mean((2, 3))
        return self.classifier(self.dropout(x))
