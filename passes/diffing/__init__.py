"""The semantic diff of two networks: an alignment of their graphs, the edit script that it gives, and views of it."""

from .difference import Difference, diff, flat
from .drawing import as_html, as_svg
from .entries import Change, Entry, Place, Renaming
from .hierarchy import Line, Section, sections, summary, totals
from .views import as_data, as_text

__all__ = [
    "Change",
    "Difference",
    "Entry",
    "Line",
    "Place",
    "Renaming",
    "Section",
    "as_data",
    "as_html",
    "as_svg",
    "as_text",
    "diff",
    "flat",
    "sections",
    "summary",
    "totals",
]
