"""Seven small networks in PyTorch, one of each kind that people build from; other frameworks have the same.

Written so that every framework can say them: padding is symmetric and explicit, global pooling is a mean, the epsilon
of batch normalization is 1e-5 (momentum 0.1, elsewhere called 0.9) and of layer normalization 1e-6, GELU is exact.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10


class SmallCnn(nn.Module):
    """Two convolutions with pooling, a mean and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class ResidualBlock(nn.Module):
    """Two convolutions around which the input goes, through a convolution of 1x1 where the size changes."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.down = None
        if stride > 1:
            self.down = nn.Sequential(nn.Conv2d(width, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.down is None else self.down(x)))


class ResidualNet(nn.Module):
    """A stem and two residual blocks, the second of half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.block1 = ResidualBlock(16, 16, 1)
        self.block2 = ResidualBlock(16, 32, 2)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        x = self.block2(self.block1(x))
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class InvertedResidual(nn.Module):
    """Expand, filter each channel alone, project; around it the input where the size stays."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        hidden = width * 4
        self.skip = stride == 1 and width == out
        self.expand = nn.Conv2d(width, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.project = nn.Conv2d(hidden, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn1(self.expand(x)))
        y = F.relu6(self.bn2(self.depthwise(y)))
        out: Tensor = self.bn3(self.project(y))
        return x + out if self.skip else out


class InvertedResidualNet(nn.Module):
    """A stem of half the size and two inverted residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.block1 = InvertedResidual(16, 16, 1)
        self.block2 = InvertedResidual(16, 24, 2)
        self.fc = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn(self.conv(x)))
        x = self.block2(self.block1(x))
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class InceptionNet(nn.Module):
    """A stem and one block of four branches that are joined along the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.branch1 = nn.Conv2d(16, 8, 1)
        self.reduce3 = nn.Conv2d(16, 8, 1)
        self.branch3 = nn.Conv2d(8, 16, 3, padding=1)
        self.reduce5 = nn.Conv2d(16, 4, 1)
        self.branch5 = nn.Conv2d(4, 8, 5, padding=2)
        self.pool = nn.Conv2d(16, 8, 1)
        self.fc = nn.Linear(40, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        a = F.relu(self.branch1(x))
        b = F.relu(self.branch3(F.relu(self.reduce3(x))))
        c = F.relu(self.branch5(F.relu(self.reduce5(x))))
        d = F.relu(self.pool(F.max_pool2d(x, 3, stride=1, padding=1)))
        x = torch.cat((a, b, c, d), 1)
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class SqueezeExciteNet(nn.Module):
    """A convolution whose channels are weighed by two linear layers over their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(32)
        self.squeeze = nn.Linear(32, 8)
        self.excite = nn.Linear(8, 32)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        x = x * gate[:, :, None, None]
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class EncoderLayer(nn.Module):
    """Attention of four heads and two linear layers, each after a layer norm and added to its input."""

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        q, k, v = self.split(self.query(y)), self.split(self.key(y)), self.split(self.value(y))
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).reshape(x.shape))
        out: Tensor = self.fc2(F.gelu(self.fc1(self.norm2(x))))
        return x + out


class TransformerEncoder(nn.Module):
    """Two layers over a sequence of 16 vectors, a norm, the mean of the sequence and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(EncoderLayer(), EncoderLayer())
        self.norm = nn.LayerNorm(32, eps=1e-6)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(self.norm(self.layers(x)).mean(1))
        return y


class UNet(nn.Module):
    """Down once and up again, with what was seen on the way down joined in; a map of two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Conv2d(3, 16, 3, padding=1)
        self.down2 = nn.Conv2d(16, 16, 3, padding=1)
        self.mid1 = nn.Conv2d(16, 32, 3, padding=1)
        self.mid2 = nn.Conv2d(32, 32, 3, padding=1)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.up1 = nn.Conv2d(32, 16, 3, padding=1)
        self.up2 = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.relu(self.down2(F.relu(self.down1(x))))
        x = F.max_pool2d(skip, 2)
        x = F.relu(self.mid2(F.relu(self.mid1(x))))
        x = torch.cat((self.up(x), skip), 1)
        x = F.relu(self.up2(F.relu(self.up1(x))))
        y: Tensor = self.head(x)
        return y


IMAGE = (1, 3, 32, 32)
NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "small_cnn": (SmallCnn, IMAGE),
    "residual": (ResidualNet, IMAGE),
    "inverted_residual": (InvertedResidualNet, IMAGE),
    "inception": (InceptionNet, IMAGE),
    "squeeze_excite": (SqueezeExciteNet, IMAGE),
    "transformer_encoder": (TransformerEncoder, (1, 16, 32)),
    "unet": (UNet, IMAGE),
}
