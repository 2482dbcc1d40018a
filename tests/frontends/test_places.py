"""Every node knows its layer and its line: relative, and the user's own line where there is one."""

from __future__ import annotations

import pytest
import torch

from nasc.frontends import lower, lower_source

SOURCE = """\
import torch
from torch import nn

input_shape = (1, 4)

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.stack = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def helper(self, x):
        return torch.relu(self.fc(x))

    def forward(self, x):
        x = self.helper(x)
        return self.stack(x) + 1

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x)
"""


@pytest.fixture
def main(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return lower_source("net.py").module.main


def test_lines_are_those_where_the_user_calls(main):
    found = {node.name: (node.path, str(node.loc)) for node in main.nodes}
    assert found == {
        "block.fc": ("block.fc", "net.py:13:27"),
        "block.relu": ("block", "net.py:13"),
        "block.stack.0": ("block.stack.0", "net.py:17"),
        "block.stack.1.relu": ("block.stack.1", "net.py:17"),
        "block.add": ("block", "net.py:17"),
    }


def test_scopes_name_the_classes(main):
    assert dict(main.scopes) == {"": "Net", "block": "Block", "block.stack": "Sequential"}


def test_lines_of_libraries_are_relative_to_them():
    timm = pytest.importorskip("timm")
    lowered = lower(timm.create_model("resnet10t"), torch.randn(1, 3, 32, 32))
    files = {node.loc.file for node in lowered.module.main.nodes if node.loc}
    assert files == {"timm/models/resnet.py", "timm/layers/adaptive_avgmax_pool.py"}
