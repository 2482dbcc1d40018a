"""The NADER backend: blocks in the language of NADER from the IR."""

from .source import emit_nader

__all__ = ["emit_nader"]
