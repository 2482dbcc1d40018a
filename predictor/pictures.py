"""Pictures of embeddings in the plane, by accuracy and by family, with a search route over them.

Positions are those of t-SNE (van der Maaten and Hinton, 2008), as in figures 3.1 to 3.4 and 3.9 of the thesis.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.floating]
LEAST = 5
"""The fewest networks that are drawn: with less, their distances alone say more."""
CLUSTERS = 10
"""How many clusters one family is shown in."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What to draw: points of networks with known accuracy, of models, and of the steps of a search.

    ``known`` [n, d], ``models`` [m, d] and ``route`` [r, d] are embeddings; ``families`` [n] and ``accuracy`` [n]
    belong to the known networks, ``labels`` [m] to the models.
    """

    known: Floats
    families: Sequence[str]
    accuracy: Floats
    models: Floats
    labels: Sequence[str]
    route: Floats


def positions(embeddings: Floats, seed: int = 0) -> Floats:
    """Return places in the plane [n, 2] of embeddings [n, d]. Raises NascError where there are too few."""
    if len(embeddings) < LEAST:
        raise NascError.of(
            f"{len(embeddings)} networks are too few for a picture",
            f"name {LEAST} or more, or give --family nb201 and --data-dir DIR for networks around them",
            "plot",
        )
    _installed()
    from sklearn.manifold import TSNE

    spread = embeddings.std(axis=0)
    scaled = (embeddings - embeddings.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    perplexity = min(30.0, (len(embeddings) - 1) / 3)
    # PCA finds where to start, on numbers that are not all equal.
    start = "pca" if spread.max() > 1e-6 else "random"
    result: Floats = TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(scaled)
    return result


def _installed() -> None:
    from importlib.util import find_spec

    if not find_spec("matplotlib") or not find_spec("sklearn"):
        raise NascError.of("drawing needs matplotlib and scikit-learn", "pip install 'nasc[plot]'", "plot")


def draw(scene: Scene, form: str) -> bytes:
    """Return the picture of a scene as ``svg`` or ``png``. Raises NascError where it has too few networks."""
    place = positions(np.concatenate([scene.known, scene.models, scene.route]))
    known, models, route = np.split(place, [len(scene.known), len(scene.known) + len(scene.models)])
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "nasc", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(11, 5.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        _by_accuracy(left, known, scene)
        if len(set(scene.families)) == 1 and len(known) > CLUSTERS:
            order = [f"cluster {i}" for i in range(CLUSTERS)]
            groups = [order[i] for i in clusters(scene.known)]
            _by_group(right, known, groups, order, "by cluster of a Gaussian mixture")
        else:
            _by_group(right, known, scene.families, list(dict.fromkeys(scene.families)), "by family")
        for axes in (left, right):
            _over(axes, models, scene.labels, route)
        written = io.BytesIO()
        metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(written, format=form, dpi=130, metadata=metadata)
    return written.getvalue()


def _by_accuracy(axes: Axes, known: Floats, scene: Scene) -> None:
    one = len(set(scene.families)) <= 1
    axes.set_title("by accuracy" if one else "by rank of accuracy in the family")
    if len(known):
        shades = scene.accuracy if one else ranks(scene.accuracy, scene.families)
        # A few failed networks would take all the shades.
        low, high = np.quantile(shades, [0.05, 1.0])
        points = axes.scatter(
            known[:, 0], known[:, 1], c=shades, cmap="viridis", vmin=low, vmax=high, s=9, linewidths=0
        )
        axes.figure.colorbar(points, ax=axes, shrink=0.8)


def ranks(accuracy: Floats, families: Sequence[str]) -> Floats:
    """Return the rank of each accuracy in its family [n], 0 the worst and 1 the best."""
    found = np.zeros(len(accuracy))
    names = np.array(families)
    for name in dict.fromkeys(families):
        here = names == name
        found[here] = accuracy[here].argsort().argsort() / max(int(here.sum()) - 1, 1)
    return found


def clusters(embeddings: Floats, axes: int = 12) -> NDArray[np.int64]:
    """Return the likeliest component [n] of a Gaussian mixture over embeddings [n, d], the largest component 0."""
    from .mixture import Mixture

    spread = embeddings.std(axis=0)
    scaled = (embeddings - embeddings.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    left, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    points = np.asarray(left[:, :axes] * sizes[:axes], dtype=np.float64)
    found = Mixture.fit(points, CLUSTERS).posterior(points).argmax(axis=1)
    place = np.empty(CLUSTERS, np.int64)
    place[np.bincount(found, minlength=CLUSTERS).argsort(kind="stable")[::-1]] = np.arange(CLUSTERS)
    return np.asarray(place[found], dtype=np.int64)


def _by_group(axes: Axes, known: Floats, groups: Sequence[str], order: Sequence[str], title: str) -> None:
    import matplotlib as mpl

    axes.set_title(title)
    names = np.array(groups)
    shades = mpl.colormaps["tab10" if len(order) <= 10 else "tab20"]
    for i, name in enumerate(order):
        here = known[names == name]
        axes.scatter(here[:, 0], here[:, 1], s=9, linewidths=0, label=name, color=shades(i % shades.N))
    if len(known):
        axes.legend(loc="best", markerscale=2, frameon=False)


def _over(axes: Axes, models: Floats, labels: Sequence[str], route: Floats) -> None:
    """Draw the models as named stars, and the route as a line from its first step to its last."""
    axes.set_xticks([])
    axes.set_yticks([])
    if len(models):
        axes.scatter(
            models[:, 0], models[:, 1], marker="*", s=110, c="crimson", edgecolors="white", linewidths=0.6, zorder=4
        )
    for label, point in zip(labels, models, strict=True):
        axes.annotate(label, tuple(point), xytext=(5, 5), textcoords="offset points", zorder=5)
    if len(route):
        axes.plot(route[:, 0], route[:, 1], color="black", linewidth=1.3, marker="o", markersize=4, zorder=3)
    near = 0.02 * max(np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim()))
    for text, (across, up) in labels_of(route, float(near)):
        axes.annotate(
            text, (across, up), xytext=(4, -11), textcoords="offset points", weight="bold", zorder=5,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )  # fmt: skip


def labels_of(route: Floats, near: float) -> list[tuple[str, tuple[float, float]]]:
    """Return the labels of steps [r, 2] and where they stand: one for all that are nearer to it than ``near``."""
    found: list[tuple[list[int], Floats]] = []
    for step, point in enumerate(route):
        for steps, place in found:
            if np.hypot(*(place - point)) < near:
                steps.append(step)
                break
        else:
            found.append(([step], point))
    return [(", ".join(map(str, steps)), (float(place[0]), float(place[1]))) for steps, place in found]
