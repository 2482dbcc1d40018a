"""Ideas for better networks: the shipped base, papers read into one, and embeddings to find what is near."""

from .embedding import Embedder, alike, nearest, open_embedder
from .idea import TREE, Idea, by_category, default_ideas, read_ideas, write_ideas

__all__ = [
    "TREE",
    "Embedder",
    "Idea",
    "alike",
    "by_category",
    "default_ideas",
    "nearest",
    "open_embedder",
    "read_ideas",
    "write_ideas",
]
