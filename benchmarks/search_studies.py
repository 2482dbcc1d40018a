"""The studies of the search benchmark: which there are, and running one in this very process.

Nothing here reads test accuracy: `search_results.py` joins it when all searches are over.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from nasc.examples.mnist1d_seeds import EXAMPLES, SEEDS
from nasc.frontends import lower
from nasc.ir import Module
from nasc.search.engine import DirectPool, LocalPool, Pool, Settings, Space, Study, run
from nasc.search.engine.admission import fingerprint
from nasc.search.llm import Client, open_client
from nasc.search.spaces import open_space
from nasc.search.spaces.model import ModelSpace
from nasc.search.store import Store
from nasc.search.strategies import STRATEGIES, open_strategy

BASELINES = ("random", "evolution", "predictor")
ASKING = ("nas-assistant", "evoprompting", "nader", "fairnad")
RESNET = str(Path(__file__).parents[1] / "examples" / "resnet_cifar.py")
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One study: the part of the benchmark, the method, who answers (``none`` for methods that ask nobody), the seed,
    how many evaluations, and by which evaluator.
    """  # noqa: D205

    part: str
    method: str
    llm: str
    seed: int
    trials: int
    evaluator: str

    @property
    def name(self) -> str:
        """The name of the study, and of its file."""
        return f"{self.part}-{self.method}-{self.llm}-{self.seed}"

    def path(self, folder: Path) -> Path:
        """Return the study's file."""
        return folder / f"{self.name}.db"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is searched: seeds and look-ups of nb201, seeds, trained candidates and steps of the others."""

    seeds: int = 10
    lookups: int = 100
    mnist1d_seeds: int = 1
    trained: int = 100
    steps: int = 1000
    proposals: int = 25


def plans(parts: Sequence[str], llms: Sequence[str], sizes: Sizes, methods: Sequence[str] = ()) -> Iterator[Plan]:
    """Return all studies: a part after the other, in each all methods seed by seed, so that any prefix compares."""
    table = Plan("nb201", "", "", 0, sizes.lookups, "table:nb201:cifar10")
    train = f"train:mnist1d{{steps={sizes.steps}}}"
    trained = Plan("mnist1d", "", "", 0, sizes.trained, train)
    step = "{steps=1, gate=false}"
    small = Plan("executable-mnist1d", "", "", 0, sizes.proposals, f"train:mnist1d{step}")
    large = Plan("executable-resnet", "", "", 0, sizes.proposals, f"train:digits{step}")
    counts = {"nb201": sizes.seeds, "mnist1d": sizes.mnist1d_seeds, "executable-mnist1d": 1, "executable-resnet": 1}
    for plan in (table, small, large, trained):
        for seed in range(counts[plan.part]) if plan.part.split("-")[0] in parts else ():
            for method, llm in contenders(llms, methods):
                yield replace(plan, method=method, llm=llm, seed=seed)


def contenders(llms: Sequence[str], methods: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Return the methods with who answers them: baselines ask nobody, the others each LLM that is named."""
    wanted = [name for name in (*BASELINES, *ASKING) if name in STRATEGIES and (not methods or name in methods)]
    for name in wanted:
        if name in BASELINES and "none" in llms:
            yield name, "none"
    for llm in llms:
        for name in wanted:
            if name in ASKING and llm != "none":
                yield name, llm


def space_of(part: str) -> tuple[str, Space]:
    """Return what a part starts from, in words and as a space."""
    if part == "nb201":
        return "nb201", open_space("nb201")
    if part.endswith("resnet"):
        return "examples/resnet_cifar.py", open_space(RESNET)
    return "examples/mnist1d_seeds.py", ModelSpace(seeds(), name="mnist1d")


def seeds() -> list[Module]:
    """Return the four networks that searches on MNIST-1D start from."""
    torch.manual_seed(0)
    return [lower(make().eval(), *EXAMPLES).module for make in SEEDS]


@dataclass
class Desk:
    """Where studies are run: the folder of their files, and what is opened once for all of them."""

    folder: Path
    clients: dict[str, Client] = field(default_factory=dict[str, Client])
    spaces: dict[str, tuple[str, Space]] = field(default_factory=dict[str, tuple[str, Space]])

    def __call__(self, plan: Plan) -> str:
        """Run a study, or go on with it, and return in words what came of it. Raises NascError."""
        if plan.llm not in self.clients:
            self.clients[plan.llm] = open_client(answering(plan.llm))
        if plan.part not in self.spaces:
            self.spaces[plan.part] = space_of(plan.part)
        return search(plan, self.spaces[plan.part], self.clients[plan.llm], self.folder)


def answering(llm: str) -> str:
    """Return who answers a method: it has a client, also where it asks nobody."""
    return "random" if llm == "none" else llm


def search(plan: Plan, space: tuple[str, Space], client: Client, folder: Path) -> str:
    """Run a study, or go on with it, and return in words what came of it. Raises NascError."""
    start, began = space[0], time.monotonic()
    origin = " ".join(fingerprint(module) for module in space[1].starts())
    settings = Settings(
        method=plan.method,
        start=start,
        evaluator=plan.evaluator,
        llm=answering(plan.llm),
        seed=plan.seed,
        seconds=SECONDS,
        origin=origin,
    )
    store = Store(plan.path(folder))
    pool: Pool = DirectPool() if plan.part == "nb201" else LocalPool(1, SECONDS, settings.gib)
    try:
        study = Study(store.begin(plan.name, settings, plan.trials), space[1], open_strategy(plan.method), client)
        finish = run(study, pool)
        best = study.best()
        assert not {"nasc.search.held_out", "nasc.search.report"} & set(sys.modules), "a search could see the tests"
        found = f"best {best.score:.4f}" if best and best.score is not None else "nothing"
        if finish.error is not None:
            raise finish.error
        return f"{found}, {finish.reason}, {time.monotonic() - began:.0f} s"
    finally:
        pool.close()
        store.close()
