import torch
from torch import nn

example_inputs = (torch.zeros(2, 5, dtype=torch.int64), torch.ones(2, 5, 8))


class Block(nn.Module):
    def forward(self, x):
        return x * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        self.block = Block()

    def forward(self, x, mask):
        return self.block(self.embed(x) * mask)
