import torch
from torch import nn
input_shape = (3, 4, 4)
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
    def forward(self, x):
        x = torch.linalg.inv(self.fc(x))
        x = torch.special.i0(x)
        return torch.fft.fft(torch.special.i0(x)).abs()
