"""The store of searches: everything that a study did, in SQLite or PostgreSQL, so that it can be resumed and read.

Only what searches or reports imports this room: it needs SQLAlchemy.
"""

from .dump import dump
from .records import Call, Evaluation, Round, StoredTrial
from .store import Store
from .study import StoredStudy

__all__ = ["Call", "Evaluation", "Round", "Store", "StoredStudy", "StoredTrial", "dump"]
