"""Where the local LLM runs: on a CUDA GPU where torch sees one, else on the CPU; NASC_LLM_DEVICE says which."""

from __future__ import annotations

import os
from typing import Final

import torch

from .errors import NotInstalled

ENVIRONMENT: Final = "NASC_LLM_DEVICE"


def chosen_device() -> str:
    """Return ``cpu`` or ``cuda``: what NASC_LLM_DEVICE names, else the fastest that is there. Raises NotInstalled."""
    there = ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",)
    wanted = os.environ.get(ENVIRONMENT) or there[0]
    if wanted not in there:
        hint = f"use one of: {', '.join(there)}"
        raise NotInstalled.at(f"{ENVIRONMENT}={wanted}", "torch sees no such device here", hint)
    return wanted
