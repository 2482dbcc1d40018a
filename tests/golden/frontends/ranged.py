import torch
from torch import nn
input_shape = (3, 4)
class M(nn.Module):
    def forward(self, x):
        if x.shape[0] > 8:
            x = x * 2
        return x + 1
