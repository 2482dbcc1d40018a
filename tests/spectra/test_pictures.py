"""What a picture of embeddings shows."""

import numpy as np

from nasc.predictor.pictures import CLUSTERS, Scene, clusters, draw, labels_of, ranks


def test_steps_at_one_place_share_a_label() -> None:
    route = np.array([[0.0, 0.0], [5.0, 0.0], [5.1, 0.0], [0.05, 0.0]])
    assert labels_of(route, 0.5) == [("0, 3", (0.0, 0.0)), ("1, 2", (5.0, 0.0))]
    assert labels_of(np.zeros((0, 2)), 0.5) == []


def test_clusters_do_not_mix_points_that_lie_far_apart() -> None:
    group = np.repeat([0, 1, 2], [30, 20, 10])
    points = np.eye(3)[group] * 50 + np.random.default_rng(0).normal(size=(60, 3)) * 0.1
    found = clusters(points)
    assert (np.diff(np.bincount(found, minlength=CLUSTERS)) <= 0).all()
    assert all(len(set(group[found == i])) <= 1 for i in range(CLUSTERS))


def test_accuracies_rank_in_their_family() -> None:
    found = ranks(np.array([0.5, 0.9, 0.1, 0.2, 0.3]), ["a", "a", "b", "b", "b"])
    assert found.tolist() == [0, 1, 0, 0.5, 1]


def test_one_family_is_drawn_by_clusters_and_several_by_name() -> None:
    points = np.random.default_rng(0).normal(size=(24, 6))
    for families, word in ((["a"] * 24, "by cluster of a Gaussian mixture"), (["a", "b"] * 12, "by family")):
        scene = Scene(points, families, points[:, 0], points[:1], ["here"], points[:3])
        assert f">{word}</text>" in draw(scene, "svg").decode()
