"""The trunk: slopes of known signs, trees as plain arrays, and the task as a condition."""

import numpy as np
import pytest

from nasc.predictor.forest import COLUMNS, RISING, Forest, Growth, inputs
from nasc.predictor.slopes import SLOPES
from nasc.predictor.statistics import NAMES
from nasc.predictor.tasks import conditions, guessed
from nasc.predictor.trunk import Table, Trunk

RNG = np.random.default_rng(0)
LARGE, SMALL = conditions("imagenet"), conditions("cifar10")


def table(task: tuple[float, float], name: str, offset: float = 0.0) -> Table:
    """A family whose targets are one statistic, statistics moved by an offset that says nothing."""
    x = RNG.normal(size=(120, len(NAMES)))
    return Table(x + offset, task, 2 * x[:, NAMES.index(name)])


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    pytest.importorskip("sklearn")
    tables = [table(SMALL, "log10 outputs"), table(SMALL, "log10 outputs", 5.0), table(LARGE, "log10 params", -3.0)]
    return Trunk.fit(tables, seeds=(0,))


def asked(task: tuple[float, float], x: np.ndarray) -> np.ndarray:
    return np.tile(task, (len(x), 1))


def test_slopes_are_of_the_tasks_that_taught_them(trunk: Trunk) -> None:
    found = {(s.images, s.statistic): w for s, w in zip(SLOPES, trunk.slopes, strict=True)}
    assert found["small", "log10 outputs"] > 1
    assert found["large", "log10 params"] > 1
    assert max(found["small", "log10 params"], found["large", "log10 outputs"]) < 0.2


def test_what_may_only_rise_never_lowers_the_score(trunk: Trunk) -> None:
    x = RNG.normal(size=(200, len(NAMES)))
    for name, sign in RISING.items():
        if sign and name in NAMES:
            moved = x.copy()
            moved[:, NAMES.index(name)] += sign
            for task in (SMALL, LARGE):
                change = trunk.every(moved, asked(task, x))[0] - trunk.every(x, asked(task, x))[0]
                assert change.min() > -1e-9


def test_arrays_hold_the_whole_trunk(trunk: Trunk) -> None:
    x = RNG.normal(size=(50, len(NAMES)))
    same = Trunk.of(trunk.arrays())
    np.testing.assert_array_equal(same.every(x, asked(LARGE, x)), trunk.every(x, asked(LARGE, x)))


def test_trees_of_small_images_say_nothing_of_large_ones() -> None:
    pytest.importorskip("sklearn")
    trunk = Trunk.fit([table(SMALL, "log10 outputs")], seeds=(0,))
    x = RNG.normal(size=(50, len(NAMES)))
    np.testing.assert_allclose(trunk(x, asked(LARGE, x)), trunk.level(x, asked(LARGE, x)))
    assert np.abs(trunk(x, asked(SMALL, x)) - trunk.level(x, asked(SMALL, x))).max() > 0


def test_the_forest_is_what_scikit_learn_would_say() -> None:
    tree = pytest.importorskip("sklearn.tree")
    x = inputs(RNG.normal(size=(300, len(NAMES))), np.tile(SMALL, (300, 1)))
    y = x[:, NAMES.index("log10 MACs")] + RNG.normal(size=300)
    growth = Growth(rounds=1, rate=1.0, share=1.0)
    forest = Forest.grow(x, y, np.full(300, 1 / 300), np.zeros(300, int), seed=0, growth=growth)
    chosen = [COLUMNS.index(name) for name in RISING]
    oracle = tree.DecisionTreeRegressor(
        max_leaf_nodes=growth.leaves, min_samples_leaf=growth.least, monotonic_cst=list(RISING.values()), random_state=0
    ).fit(x[:, chosen].astype(np.float32), y - y.mean())
    np.testing.assert_allclose(forest(x), oracle.predict(x[:, chosen].astype(np.float32)), atol=1e-6)


def test_trees_grow_of_a_handful_of_networks() -> None:
    pytest.importorskip("sklearn")
    x = inputs(RNG.normal(size=(3, len(NAMES))), np.tile(SMALL, (3, 1)))
    assert np.isfinite(Forest.grow(x, np.arange(3.0), np.full(3, 1 / 3), np.zeros(3, int), seed=0)(x)).all()


def test_the_task_is_guessed_by_input_and_output() -> None:
    from nasc.frontends.cells import decode
    from nasc.predictor.features import layout
    from nasc.tests.predictor.networks import residual

    assert guessed(layout(residual())) == "cifar10"
    ofa = decode("ofa", "k57553337553773335555_e43444634434336664344_d23243_r224")
    assert guessed(layout(ofa)) == "imagenet"
