"""Searching for better networks: edits, the LLMs that propose them, and the loop that judges them."""

from .application import apply_edits
from .edit_grammar import edit_grammar
from .edit_script import Script, parse_edits, parse_script
from .edits import (
    Delete,
    Edit,
    Insert,
    NewBlock,
    OpSpec,
    Repeat,
    Replace,
    SetAttributes,
    Skip,
    edit_line,
    edit_script,
)
from .judging import Scorer
from .outcome import RewriteOptions, RewriteResult, Step, header
from .rewrite import rewrite

__all__ = [
    "Delete",
    "Edit",
    "Insert",
    "NewBlock",
    "OpSpec",
    "Repeat",
    "Replace",
    "RewriteOptions",
    "RewriteResult",
    "Scorer",
    "Script",
    "SetAttributes",
    "Skip",
    "Step",
    "apply_edits",
    "edit_grammar",
    "edit_line",
    "edit_script",
    "header",
    "parse_edits",
    "parse_script",
    "rewrite",
]
