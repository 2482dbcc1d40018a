"""The semantic diff of two networks: an alignment of their graphs and the edit script that it gives."""

from .difference import Difference, diff, flat
from .entries import Change, Entry, Place, Renaming

__all__ = ["Change", "Difference", "Entry", "Place", "Renaming", "diff", "flat"]
