"""Where the local LLM runs: on the CPU, or with NASC_LLM_DEVICE=cuda on a GPU."""

from __future__ import annotations

import os
from typing import Final

import torch

from .errors import NotInstalled

ENVIRONMENT: Final = "NASC_LLM_DEVICE"


def chosen_device() -> str:
    """Return ``cpu``, or what NASC_LLM_DEVICE names. Raises NotInstalled where torch sees no such device."""
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    wanted = os.environ.get(ENVIRONMENT) or there[0]
    if wanted not in there:
        hint = f"use one of: {', '.join(there)}"
        raise NotInstalled.at(f"{ENVIRONMENT}={wanted}", "torch sees no such device here", hint)
    return wanted
