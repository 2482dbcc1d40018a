"""Passes of nasc among passes of torch.fx: what each node costs, and which submodules repeat.

python examples/annotate_fx.py
"""

from torch import fx, nn, randn
from torch.fx.passes.infra.pass_manager import PassManager

from nasc.adapters.torch_fx import BLOCK, COST, CheckPass, CostPass, OutlinePass


class Block(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())


image = randn(1, 3, 8, 8)
model = nn.Sequential(nn.Conv2d(3, 8, 1), *(Block() for _ in range(4)), nn.Flatten(), nn.Linear(512, 10))
passes = PassManager([CheckPass(image, max_params="10k"), CostPass(image), OutlinePass(image)])
for node in passes(fx.symbolic_trace(model)).graph_module.graph.nodes:
    print(f"{node.name:8} {node.meta.get(COST, '-')!s:62} {node.meta.get(BLOCK, '-')}")
