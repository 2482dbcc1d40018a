"""The four networks that searches on MNIST-1D start from, after Greydanus, "Scaling down deep learning" (2020).

A signal of 40 numbers in, ten classes out: a GRU, a convolutional net, an MLP, and a convolutional net with residuals.
"""

import torch
from torch import nn
from torch.nn import functional


class Recurrent(nn.Module):
    """A bidirectional GRU over the signal; the states at all times are classified."""

    def __init__(self, hidden=6):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(40 * 2 * hidden, 10)

    def forward(self, x):
        states, _ = self.gru(x.unsqueeze(-1))
        return self.head(torch.flatten(states, 1))


class Convolutional(nn.Module):
    """Three strided convolutions and a linear layer: 5,210 parameters."""

    def __init__(self, channels=25):
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 5, stride=2, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.head = nn.Linear(5 * channels, 10)

    def forward(self, x):
        x = functional.relu(self.conv1(x.unsqueeze(1)))
        x = functional.relu(self.conv2(x))
        x = functional.relu(self.conv3(x))
        return self.head(torch.flatten(x, 1))


class Perceptron(nn.Module):
    """Two hidden layers, the second with a residual: 15,210 parameters."""

    def __init__(self, hidden=100):
        super().__init__()
        self.linear1 = nn.Linear(40, hidden)
        self.linear2 = nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x):
        x = functional.relu(self.linear1(x))
        x = x + functional.relu(self.linear2(x))
        return self.head(x)


class Residual(nn.Module):
    """Strided convolutions, each followed by a residual one at the same resolution."""

    def __init__(self, channels=16):
        super().__init__()
        self.stem = nn.Conv1d(1, channels, 5, stride=2, padding=2)
        self.block1 = nn.Conv1d(channels, channels, 3, padding=1)
        self.down = nn.Conv1d(channels, 2 * channels, 3, stride=2, padding=1)
        self.block2 = nn.Conv1d(2 * channels, 2 * channels, 3, padding=1)
        self.head = nn.Linear(2 * channels * 10, 10)

    def forward(self, x):
        x = functional.relu(self.stem(x.unsqueeze(1)))
        x = x + functional.relu(self.block1(x))
        x = functional.relu(self.down(x))
        x = x + functional.relu(self.block2(x))
        return self.head(torch.flatten(x, 1))


EXAMPLES = (torch.zeros(2, 40),)
SEEDS = (Recurrent, Convolutional, Perceptron, Residual)
