"""NADER (Yang et al., 2025): a Proposer, a Modifier and a Reflector around a tree of modifications.

The algorithm::

    Reader:    ideas come from papers (`nasc ideas read`), or are the shipped ones
    each modification:
        Reflector: write down what the modifications that were evaluated meanwhile taught
        Proposer:  take a parent off the tree, depth first or breadth first
                   take ideas near to the one that last helped there, far from the one that last failed
                   let the LLM rank them; the first is the proposal
        Modifier:  let the LLM change the block, with the nearest experiences before its eyes
                   let it fit stem and downsampling to the new block; of each hand errors back, up to 5 tries
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ...ir import Module
from ..engine import Proposal, Spot, Trial, View
from ..ideas import Idea, nearest, open_embedder
from ..llm import Message
from ..prompts import filled
from .asking import Asking, Messages, Reply, instructions
from .drawing import Drawing
from .experience import Reflector, kind_of
from .idea_base import embedder_of, feasible, first_ideas, ideas_of, vectors
from .modification_tree import ModificationTree
from .options import check_options, option
from .ranking import score_of, usable

_PARTS = (": stem", ": downsample")


@dataclass(frozen=True)
class Nader:
    """NADER.

    ``depth`` is the share of parents chosen depth first, ``breadth`` how many children the others get.
    ``candidates`` ideas are ranked for each modification, ``tries`` answers may fail, ``experiences`` are shown.
    ``ideas`` is a file of ``nasc ideas read``, empty for the shipped ones; ``embedder`` is ``auto``, ``local``,
    ``hashed`` or a server, see ``nasc.search.ideas.open_embedder``.
    """

    name: ClassVar[str] = "nader"
    depth: float = option(0.5, least=0, most=1)
    breadth: int = option(3, least=1)
    candidates: int = option(5, least=1)
    tries: int = option(5, least=1)
    experiences: int = option(5, least=0)
    ideas: str = ""
    embedder: str = "auto"

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)

    def prepare(self) -> None:
        """Check before a study begins that what it reads is there. Raises NascError."""
        first_ideas(self.ideas)
        open_embedder(self.embedder)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the base network, then modifications."""
        drawing = Drawing(view)
        if not usable(view.trials):
            return drawing.opening(1)
        reflector = Reflector(view, embedder_of(view, self.embedder))
        reflector.reflect(drawing)
        tree, base = ModificationTree(view.trials), ideas_of(view, self.ideas)
        taken: set[tuple[int, str]] = set()
        found: list[Proposal] = []
        for _ in range(min(view.wanted, view.left)):
            deep = view.rng.random() < self.depth
            parent = tree.deepest(view.rng) if deep else tree.widest(self.breadth)
            idea = self.proposal(drawing, reflector, tree, parent, base, taken)
            taken.add((parent.number, idea.key))
            found.append(self.modify(drawing, reflector, parent, idea, "depth" if deep else "breadth"))
        return found

    def proposal(
        self,
        drawing: Drawing,
        reflector: Reflector,
        tree: ModificationTree,
        parent: Trial,
        base: Sequence[Idea],
        taken: set[tuple[int, str]],
    ) -> Idea:
        """Return the idea to carry out: of some that are near or far, the one that the LLM ranks first."""
        assert parent.module is not None
        view = drawing.view
        tried = {str(child.notes.get("idea_key")) for child in tree.children(parent)}
        tried |= {key for number, key in taken if number == parent.number}
        able = feasible(view, parent.module, base) or list(base)
        pool = [idea for idea in able if idea.key not in tried] or able
        chosen = self.shortlist(view, reflector, tree, parent, pool)
        numbers = " | ".join(f'"{i + 1}"' for i in range(len(chosen)))
        grammar = f'start: number (", " number)~{len(chosen) - 1} "\\n"\nnumber: {numbers}\n'
        if len(chosen) == 1:
            return chosen[0]
        asking, listed = Asking(drawing), "\n".join(f"{i + 1}: {idea.text}" for i, idea in enumerate(chosen))

        def messages(length: int) -> tuple[Message, ...]:
            assert parent.module is not None
            block = view.space.show(parent.module, None, length // 2)
            return (Message("user", filled("nader/rank", block=block, ideas=listed)),)

        first = re.search(r"\d+", asking.line(messages, grammar, max_tokens=4 * len(chosen)))
        place = int(first[0]) - 1 if first else 0
        return chosen[place if place < len(chosen) else 0]

    def shortlist(
        self, view: View, reflector: Reflector, tree: ModificationTree, parent: Trial, pool: Sequence[Idea]
    ) -> list[Idea]:
        """Return candidate ideas: near the last one at this place after success, far from it after failure."""
        last = tree.latest(parent)
        idea = str(last.notes.get("idea", "")) if last is not None else ""
        if last is None or not idea:
            return view.rng.sample(list(pool), min(self.candidates, len(pool)))
        (query,) = vectors(reflector.embedder, [idea])
        order = nearest(query, vectors(reflector.embedder, [one.text for one in pool]))
        if kind_of(tree, last) == "failure":
            order.reverse()
        return [pool[i] for i in order[: self.candidates]]

    def modify(self, drawing: Drawing, reflector: Reflector, parent: Trial, idea: Idea, search: str) -> Proposal:
        """Return what the LLM makes of the parent's block, and then of stem and downsampling."""
        assert parent.module is not None
        asking, space = Asking(drawing), drawing.view.space
        spots = space.spots(parent.module)
        parts = [spot for spot in spots if spot.name.endswith(_PARTS)]
        block = spots[0] if parts or len(spots) == 1 else None
        context = reflector.recall(idea.text, min(self.experiences, asking.style.tried))
        reply = asking.edit(
            parent.module,
            block,
            self.question(asking, parent.module, score_of(parent), block, idea, context),
            self.tries,
            words=idea.words,
        )
        apart = [part for part in parts if block is not None and not part.name.startswith(f"{block.name}:")]
        for part in apart:
            reply = self.fitted(asking, parent, reply, part.name, idea)
        notes = {"idea": idea.text, "idea_key": idea.key, "search": search}
        return asking.proposal(asking.by_chance(reply), "modify", (parent.number,), **notes)

    def fitted(self, asking: Asking, parent: Trial, reply: Reply, name: str, idea: Idea) -> Reply:
        """Return the reply with a part of the network fitted to its block; as it is where the LLM finds nothing."""
        module = reply.module
        if module is None:
            return reply
        part = next((spot for spot in asking.drawing.view.space.spots(module) if spot.name == name), None)
        if part is None:
            return reply
        question = self.question(asking, module, score_of(parent), part, idea, ())
        more = asking.edit(module, part, question, self.tries)
        if more.module is None:
            return reply
        change, problems = f"{reply.change.rstrip()}\n{more.change}", (*reply.problems, *more.problems)
        return replace(reply, module=more.module, change=change, code=more.code, problems=problems)

    def question(
        self, asking: Asking, module: Module, score: float, spot: Spot | None, idea: Idea, context: Sequence[str]
    ) -> Messages:
        """Return the Modifier's prompt: the block, the idea, and experience with ideas like it."""
        space = asking.drawing.view.space

        def messages(length: int) -> tuple[Message, ...]:
            question = filled(
                "nader/modify",
                text=space.show(module, spot, length),
                score=f"{score:.4f}",
                experience="\n".join(context),
                idea=idea.text,
                place=spot.name if spot else "the network",
            )
            return (*instructions(space, asking.style), Message("user", question))

        return messages
