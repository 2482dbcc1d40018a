from torch import nn
input_shape = (1, 4)
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
    def gate(self, x):
        if x.sum() > 0:
            return self.fc(x)
        return x
    def forward(self, x):
        return self.gate(x)
