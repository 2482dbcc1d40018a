"""What each Keras layer and operation means in the IR: a rule for each class, by its name."""

from collections.abc import Mapping

from ..call import Rule
from .activation import ACTIVATION_LAYERS, ACTIVATION_OPERATIONS
from .attention import ATTENTION
from .convolution import CONVOLUTIONS
from .dense import DENSE
from .merging import MERGING
from .normalization import NORMALIZATION
from .operations import OPERATIONS as NUMPY_OPERATIONS
from .pooling import POOLING
from .recurrent import RECURRENT
from .shaping import SHAPING

LAYERS: Mapping[str, Rule] = {
    **ACTIVATION_LAYERS,
    **ATTENTION,
    **CONVOLUTIONS,
    **DENSE,
    **MERGING,
    **NORMALIZATION,
    **POOLING,
    **RECURRENT,
    **SHAPING,
}
OPERATIONS: Mapping[str, Rule] = {**ACTIVATION_OPERATIONS, **NUMPY_OPERATIONS}

__all__ = ["LAYERS", "OPERATIONS"]
