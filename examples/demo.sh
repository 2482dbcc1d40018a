#!/usr/bin/env bash
# The main job on one model: lower it, see which layers matter, let the local LLM edit it, look at what changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=${1:-examples/resnet_cifar.py}

echo "# the model"
nasc lower "$model" > "$work/model.nasc"
nasc check "$work/model.nasc"

echo
echo "# which layers earn their keep"
nasc relevance "$work/model.nasc" -o "$work/relevant.nasc"
nasc relevance "$work/model.nasc" --format table

echo
echo "# nasc lower $model | nasc relevance | nasc rewrite --llm local --emit torch > better.py"
nasc lower "$model" | nasc relevance | nasc rewrite --llm local --max-iterations 4 --emit torch > "$work/better.py"

echo
echo "# better.py is a model that trains"
python - "$work/better.py" <<'PYTHON'
import importlib.util
import sys

import torch

spec = importlib.util.spec_from_file_location("better", sys.argv[1])
better = importlib.util.module_from_spec(spec)
spec.loader.exec_module(better)
torch.manual_seed(0)
model = better.build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
images, labels = torch.randn(32, 3, 32, 32), torch.randint(10, (32,))
for step in range(5):
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.3f}")
PYTHON
