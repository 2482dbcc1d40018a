"""Reports of studies: one page that needs nothing but itself, or a summary for a terminal."""

from .material import Call, Material
from .page import as_html
from .relevances import Annotate, by_predictor
from .summary import as_text

__all__ = ["Annotate", "Call", "Material", "as_html", "as_text", "by_predictor"]
