import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)
    def forward(self, batch):
        return self.fc(torch.cat([batch["left"], batch["right"]], 1))
class Named(Net):
    def forward(self, left=None, right=None, mask=None):
        return super().forward({"left": left, "right": right})
batch = {"left": torch.randn(2, 4), "right": torch.randn(2, 4)}
named = {**batch, "label": torch.zeros(2)}
pairs = [batch, batch]
words = ["one", "two"]
def make():
    return batch
