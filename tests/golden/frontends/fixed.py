from torch import nn
input_shape = (2, 4)
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
    def helper(self, x):
        return x.view(2, 2, 2)
    def forward(self, x):
        return self.helper(self.fc(x))
