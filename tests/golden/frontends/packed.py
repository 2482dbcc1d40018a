import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 3, batch_first=True)
    def forward(self, x):
        lengths = torch.full((x.shape[0],), x.shape[1])
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        return self.rnn(packed)[1]
