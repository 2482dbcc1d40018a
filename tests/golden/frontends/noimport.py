import torch
from torch import nn
import nonexistent_library

class M(nn.Module):
    pass
