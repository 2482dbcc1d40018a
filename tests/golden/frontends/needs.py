from torch import nn
class M(nn.Module):
    def __init__(self, width, depth, act=None):
        super().__init__()
    def forward(self, x): return x
