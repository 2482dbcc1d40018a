"""FairNAD: ideas structured as a tree of attributes, explored by three types of mutation.

The algorithm::

    each round, with the feedback loop around every answer:
        8 fair mutations:      down the tree to the least-used level, category and idea; the LLM carries it out
        8 Pareto mutations:    a parent off the Pareto front; scale it up, or change its hyperparameters
        4 iterative mutations: a network similar or opposite to the best so far, refined twice
    feedback: at most 2 answers that do not work are handed back, at most 4 that are too large are scaled down,
              and it is checked that the change which was asked for really happened

Known to us from the abstract and appendix of the paper as its review shows them (see docs/strategies.md): the counts
8, 8, 4 and 2, 4 are those of the issue that asked for this strategy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from ...ir import Module, NascError
from ...passes import cost
from ..edit_grammar import kinds_of
from ..engine import Proposal, Trial, View
from ..llm import Message
from ..prompts import filled
from .asking import Asking, Reply, instructions
from .attribute_tree import AttributeTree
from .drawing import Drawing, Intent
from .idea_base import feasible, first_ideas, ideas_of
from .options import check_options, option
from .ranking import best_of, score_of, usable

LARGER: tuple[str, ...] = (
    *("out_channels=", "out_features=", "kernel_size=", "repeat %", "conv1d {", "conv2d {", "linear {"),
    "nor_conv_3x3",
)
"""What an edit that scales a network up has in its text."""
SETTINGS: tuple[str, ...] = ("set ",)
"""What an edit of hyperparameters has in its text."""


@dataclass(frozen=True)
class FairNad:
    """FairNAD.

    ``fair``, ``pareto`` and ``iterative`` are the mutations a round, ``begin`` the networks before the first one.
    ``debugs`` answers that do not work and ``downscalings`` that are too large are handed back, ``refinements`` follow
    each iterative mutation. ``ideas`` is a file of ``nasc ideas read``, empty for the shipped ones.
    """

    name: ClassVar[str] = "fairnad"
    fair: int = option(8, least=0)
    pareto: int = option(8, least=0)
    iterative: int = option(4, least=0)
    begin: int = option(4, least=1)
    debugs: int = option(2, least=0)
    downscalings: int = option(4, least=0)
    refinements: int = option(2, least=0)
    ideas: str = ""

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)
        if not self.fair + self.pareto + self.iterative:
            raise NascError.of("no mutations a round", "expected fair, pareto or iterative above 0", "strategy")

    def prepare(self) -> None:
        """Check before a study begins that what it reads is there. Raises NascError."""
        first_ideas(self.ideas)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the first networks, then rounds of mutations, shuffled where not all of them are left."""
        drawing = Drawing(view)
        if not usable(view.trials):
            return drawing.opening(min(self.begin, view.left))
        tree = AttributeTree.of(ideas_of(view, self.ideas), view.trials)
        moves = [partial(self.fair_mutation, drawing, tree) for _ in range(self.fair)]
        moves += [partial(self.pareto_mutation, drawing, turn) for turn in range(self.pareto)]
        moves += [partial(self.iterative_mutation, drawing, turn) for turn in range(self.iterative)]
        if len(moves) > view.left:
            view.rng.shuffle(moves)
        return [move() for move in moves[: view.left]]

    def fair_mutation(self, drawing: Drawing, tree: AttributeTree) -> Proposal:
        """Return what the LLM makes of the least-used idea in a network off the front."""
        parent, module = self.parent(drawing.view)
        able = feasible(drawing.view, module, tree.ideas) or list(tree.ideas)
        path, idea = tree.fairest(able, drawing.view.rng)
        task = filled("fairnad/idea", idea=idea.text, category=idea.category)
        reply = self.change(drawing, parent, module, task, idea.words)
        return self.proposal(drawing, reply, "fair", parent, path=list(path))

    def pareto_mutation(self, drawing: Drawing, turn: int) -> Proposal:
        """Return a network off the front scaled up, or with other hyperparameters."""
        parent, module = self.parent(drawing.view)
        if turn % 2 == 0:
            kind, task, words, intent = "scale-up", "fairnad/scale_up", LARGER, _grown(module)
        else:
            kind, task, words, intent = "hyperparameter", "fairnad/hyperparameter", SETTINGS, _same_ops(module)
        reply = self.change(drawing, parent, module, filled(task), words, intent, 1)
        return self.proposal(drawing, reply, kind, parent, intent)

    def iterative_mutation(self, drawing: Drawing, turn: int) -> Proposal:
        """Return a network similar or opposite to the best so far, after two refinements."""
        alive = usable(drawing.view.trials)
        best = best_of(alive)
        assert best.module is not None
        kind = ("similar", "opposite")[turn % 2]
        others = [trial for trial in alive if trial is not best] or [best]
        base = best if kind == "similar" else drawing.view.rng.choice(others)
        assert base.module is not None
        shown = drawing.view.space.show(best.module, None, max(Asking(drawing).style.place // 2, 200))
        task = filled(f"fairnad/{kind}", best="" if base is best else shown)
        intent = None if base is best else _no_nearer(best.module, base.module)
        reply = self.change(drawing, base, base.module, task, intent=intent)
        for _ in range(self.refinements):
            if reply.module is not None:
                refined = self.change(drawing, base, reply.module, filled("fairnad/refine"), intent=intent)
                reply = _joined(reply, refined)
        return self.proposal(drawing, reply, kind, base, intent)

    def parent(self, view: View) -> tuple[Trial, Module]:
        """Return a network off the Pareto front: of two at random the less crowded."""
        front = view.front() or usable(view.trials)
        parent = front[min(view.rng.randrange(len(front)) for _ in range(2))]
        assert parent.module is not None
        return parent, parent.module

    def change(
        self,
        drawing: Drawing,
        parent: Trial,
        module: Module,
        task: str,
        words: tuple[str, ...] = (),
        intent: Intent | None = None,
        changes: int | None = None,
    ) -> Reply:
        """Return what the LLM makes of a network to do a task, with the feedback loop around it."""
        asking, space = Asking(drawing), drawing.view.space

        def messages(length: int) -> tuple[Message, ...]:
            text = space.show(module, None, length)
            question = filled("fairnad/request", text=text, score=f"{score_of(parent):.4f}", task=task)
            return (*instructions(space, asking.style), Message("user", question))

        return asking.edit(module, None, messages, 1 + self.debugs, self.downscalings, words, intent, changes)

    def proposal(
        self,
        drawing: Drawing,
        reply: Reply,
        operator: str,
        parent: Trial,
        intent: Intent | None = None,
        **notes: object,
    ) -> Proposal:
        """Return the proposal of a reply; by chance where it is known, or is not what was asked for."""
        asking = Asking(drawing)
        reply = asking.by_chance(reply, parent.module, intent)
        return asking.proposal(reply, operator, (parent.number,), **notes)


def _joined(first: Reply, second: Reply) -> Reply:
    """Return a reply and its refinement as one; the first where the second came to nothing."""
    if second.module is None:
        return first
    change = f"{first.change.rstrip()}\n{second.change}"
    problems = (*first.problems, *second.problems)
    return Reply(second.module, change, first.why or second.why, "", second.code, problems, second.notes)


def _grown(before: Module) -> Intent:
    """Return what tells whether a network is larger than before."""
    size = cost(before)

    def missing(after: Module) -> str:
        new = cost(after)
        return "" if new.params > size.params or new.macs > size.macs else "the network has to become larger"

    return missing


def _no_nearer(best: Module, before: Module) -> Intent:
    """Return what tells whether a network is no more like the best one than before, by the nodes that differ.

    What is made of the best one itself, by few edits, needs no such check to be similar to it.
    """
    apart = _differing(best, before)

    def missing(after: Module) -> str:
        return "" if _differing(best, after) >= apart else "the network has become more like the best one"

    return missing


def _differing(one: Module, other: Module) -> int:
    """Return how many nodes only one of two networks has, wherever they stand; a function's nodes count once."""
    mine, theirs = (Counter(node.op for graph in module.graphs for node in graph.nodes) for module in (one, other))
    return ((mine - theirs) + (theirs - mine)).total()


def _same_ops(before: Module) -> Intent:
    """Return what tells whether a network has the operations that it had, with other settings."""
    kinds = kinds_of(before)

    def missing(after: Module) -> str:
        new = sorted(kinds_of(after) - kinds)
        return f"change settings only: {', '.join(new)} is new" if new else ""

    return missing
