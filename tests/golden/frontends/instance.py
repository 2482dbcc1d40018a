from torch import nn

model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
input_shape = (1, 4)
number = 3
