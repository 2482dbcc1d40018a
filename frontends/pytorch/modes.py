"""The mode that a model's own code reads: every ``self.training`` noted by its line, and answered as is wanted."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import get_ident
from types import FrameType
from typing import Any, cast

import torch
from torch import nn
from torch.export import ExportedProgram

_LAYERS = os.path.join(os.path.dirname(os.path.abspath(torch.__file__)), "nn", "modules") + os.sep
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


@contextmanager
def mode_read_as(training: Callable[[], bool]) -> Generator[None]:
    """Answer ``self.training`` by what ``training`` says wherever it is the model's own code that asks, for the block.

    Layers of PyTorch are lowered as what they are, and see the mode that they are in, as do models of other threads.
    """
    here = get_ident()

    def read(module: nn.Module) -> bool:
        asking = cast("FrameType", inspect.currentframe()).f_back
        ours = asking is not None and asking.f_code.co_filename.startswith(_OURS)
        if ours or layer_of_torch(asking) or get_ident() != here:
            return bool(module.__dict__["training"])
        return training()

    def write(module: nn.Module, mode: bool) -> None:
        module.__dict__["training"] = mode

    owner = cast("Any", nn.Module)
    owner.training = property(read, write)
    try:
        yield
    finally:
        del owner.training


def switch_norms(program: ExportedProgram) -> None:
    """Let batch norms that were told to train take their running statistics again: their op is switched by the mode."""
    for node in program.graph.nodes:
        if node.target is torch.ops.aten.batch_norm.default and node.args[3] is not None:
            node.args = (*node.args[:5], False, *node.args[6:])


def layer_of_torch(frame: FrameType | None) -> bool:
    """Return whether a line is one of PyTorch's own layers."""
    return frame is not None and frame.f_code.co_filename.startswith(_LAYERS)
