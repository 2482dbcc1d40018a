"""The mixture: it finds clusters, and knows what lies far from all of them."""

import numpy as np
import pytest

from nasc.predictor.mixture import Mixture

RNG = np.random.default_rng(0)
POINTS = np.concatenate([RNG.normal(centre, 0.5, (200, 2)) for centre in ((-5, 0), (5, 0), (0, 8))])


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return Mixture.fit(POINTS, components=3)


def test_components_are_the_clusters(mixture: Mixture) -> None:
    which = mixture.posterior(POINTS).argmax(axis=1).reshape(3, 200)
    assert sorted(int(row[0]) for row in which) == [0, 1, 2]
    assert (which == which[:, :1]).mean() > 0.99
    np.testing.assert_allclose(sorted(mixture.means[:, 1]), [0, 0, 8], atol=0.3)


def test_a_centre_is_likely_and_a_far_point_is_not(mixture: Mixture) -> None:
    centre, edge, far = mixture.in_domain(np.array([[5.0, 0.0], [5.0, 1.5], [50.0, 50.0]]))
    assert centre > edge > far
    assert far == 0


def test_the_share_of_training_points_is_uniform(mixture: Mixture) -> None:
    assert np.quantile(mixture.in_domain(POINTS), [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)
