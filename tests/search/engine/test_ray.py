"""Evaluation on a Ray cluster of this machine, a worker of which is killed; benchmarks/resume.py kills a machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasc.ir import NascError
from nasc.search.engine import DirectPool, Settings, Study, run
from nasc.search.spaces import open_space
from nasc.search.store import Store, dump
from nasc.search.strategies import open_strategy

TABLE = "table:nb201:cifar10"


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster with two CPUs, in this process and its children."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80_000_000)
        yield
        ray.shutdown()


def study(where: Path, trials: int) -> Study:
    stored = Store(where).begin("cells", Settings(method="random", start="nb201", evaluator=TABLE, batch=3), trials)
    return Study(stored, open_space("nb201"), open_strategy("random"))


def test_an_address_where_nothing_is() -> None:
    pytest.importorskip("ray")
    from nasc.search.engine.ray_pool import RayPool

    with pytest.raises(NascError) as caught:
        RayPool("127.0.0.1:9", 1, 1.0, 1.0)
    assert str(caught.value) == (
        "error: --ray 127.0.0.1:9: [Errno 111] Connection refused\n"
        "  help: expected auto, HOST:PORT of a cluster's head, or local for a cluster of this machine"
    )


@pytest.mark.skipif("NASC_DATA_DIR" not in os.environ, reason="NASC_DATA_DIR names no folder with the tables")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("cluster")
def test_the_candidate_of_a_lost_worker_is_evaluated_by_another(tmp_path: Path) -> None:
    import ray

    from nasc.search.engine.ray_pool import RayPool

    found = study(tmp_path / "s.db", 5)
    pool = RayPool("auto", 2, 60.0, 4.0)
    with pytest.raises(NascError, match="table:nb201 has no task 'cifar11'"):
        pool.prepare(["table:nb201:cifar11"])
    found.advance()
    (task,) = found.work.claim(1)
    assert pool.size >= 1
    pool.submit(task)
    ((actor, _),) = pool._flying.values()
    ray.kill(actor)
    (done,) = pool.collect(60.0)
    assert done.outcome is None
    assert found.lost(task, done.why)
    assert run(found, pool).reason == "trials"
    pool.close()
    numbers = [item.trial for item in found.stored.evaluations()]
    assert numbers == [0, 1, 2, 3, 4]
    alone = study(tmp_path / "alone.db", 5)
    run(alone, DirectPool())
    assert dump(alone.stored) == dump(found.stored)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.usefixtures("cluster")
def test_workers_that_cannot_start_are_not_asked_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from nasc.search.engine import ray_pool

    class Broken:
        def __init__(self, seconds: float, gib: float) -> None:
            raise RuntimeError("no nasc here")

        def open(self, specs: object) -> None:
            """Never reached."""

    monkeypatch.setattr(ray_pool, "Worker", Broken)
    pool = ray_pool.RayPool("auto", 1, 1.0, 1.0)
    with pytest.raises(NascError) as caught:
        pool.prepare([TABLE])
    assert str(caught.value) == (
        "error: --ray: no worker starts: RuntimeError: no nasc here\n"
        "  help: install nasc on all machines of the cluster, as it is here"
    )
