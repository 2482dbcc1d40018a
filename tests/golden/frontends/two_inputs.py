import torch
from torch import nn
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Embedding(10, 8)
    def forward(self, x, mask):
        return self.a(x) * mask
