from torch import nn
model = nn.Sequential(nn.Conv2d(3, 4, 1)).half()
