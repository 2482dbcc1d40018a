from torch import nn
input_shape=(1,3)
class M(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError("width must be a power of two")

    def forward(self, x): return x
