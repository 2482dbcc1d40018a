"""Passes of nasc among passes of onnx_ir: what each node costs, and repeated submodules as local functions.

python examples/annotate_onnx.py [model.onnx]
"""

import sys

import onnx_ir
from torch import nn, randn

import nasc
from nasc.adapters.onnx_passes import MACS, PARAMS, CheckPass, CostPass, OutlinePass

if len(sys.argv) > 1:
    model = onnx_ir.load(sys.argv[1])
else:
    blocks = (nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(4))
    lowered = nasc.lower(nn.Sequential(nn.Conv2d(3, 8, 1), *blocks), randn(1, 3, 8, 8))
    model = onnx_ir.from_proto(nasc.emit_onnx(lowered.module, lowered.weights))
result = onnx_ir.passes.Sequential(CheckPass(max_params="100M"), CostPass())(model)
for node in result.model.graph:
    notes = node.metadata_props
    print(f"{node.op_type:20} {node.name:20} {notes.get(PARAMS, '-'):>9} {notes.get(MACS, '-'):>9}")
print("local functions:", *(name for _, name, _ in OutlinePass()(model).model.functions))
