"""The store of searches: everything that a study did, in SQLite or PostgreSQL, so that it can be resumed and read.

Only what searches or reports imports this room: it needs SQLAlchemy.
"""

from importlib.util import find_spec

from ...ir import NascError

if find_spec("sqlalchemy") is None:
    raise NascError.of("SQLAlchemy is not installed, and it keeps studies", "pip install 'nasc[search]'", "no-library")

from .dump import dump
from .records import Call, Evaluation, Round, StoredTrial
from .store import Store
from .study import StoredStudy

__all__ = ["Call", "Evaluation", "Round", "Store", "StoredStudy", "StoredTrial", "dump"]
