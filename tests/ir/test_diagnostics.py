"""How findings are worded."""

import pytest

from nasc.ir import counted


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((0, "node"), "0 nodes"),
        ((1, "node"), "1 node"),
        ((1200, "node"), "1,200 nodes"),
        ((2, "axis", "axes"), "2 axes"),
    ],
)
def test_one_thing_is_not_several(given: tuple[int, str], shown: str) -> None:
    assert counted(*given) == shown
