"""NADER's Reflector: what became of modifications, written down as experience and found again by its idea."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine import Trial, View
from ..ideas import Embedder, nearest
from ..llm import Message
from ..prompts import filled
from .asking import Asking
from .drawing import Drawing
from .idea_base import vectors
from .modification_tree import ModificationTree

_KIND = "experience"
_TIP = 'start: TIP "\\n"\nTIP: /[A-Z][A-Za-z0-9 ,\'%()-]{15,160}\\./\n'


@dataclass(frozen=True)
class Reflector:
    """Reflects on the trials of one view. Kinds are ``failure``, ``failure-to-success`` and ``success``."""

    view: View
    embedder: Embedder

    def reflect(self, drawing: Drawing) -> None:
        """Write down what every modification since the last round taught."""
        known = {key for key, _ in self.view.memory.all(_KIND)}
        tree = ModificationTree(self.view.trials)
        for trial in self.view.trials:
            key = f"{trial.number:06}"
            if "idea" in trial.notes and key not in known:
                self.view.memory.put(_KIND, key, self.experience(drawing, tree, trial))
        drawing.asked.clear()

    def experience(self, drawing: Drawing, tree: ModificationTree, trial: Trial) -> dict[str, object]:
        """Return what a modification taught: in the LLM's words where it has words, else in ours."""
        kind = kind_of(tree, trial)
        idea = str(trial.notes["idea"])
        plain = _plain(tree, trial)
        asking = Asking(drawing)
        tip = ""
        if asking.style.why:
            question = filled("nader/reflect", idea=idea, outcome=f"{kind}: {plain}")
            tip = asking.line(lambda _: (Message("user", question),), _TIP)
        return {"kind": kind, "idea": idea, "outcome": plain, "text": tip}

    def recall(self, idea: str, most: int) -> list[str]:
        """Return the experiences whose ideas are nearest to an idea, a line each."""
        kept = [document for _, document in self.view.memory.all(_KIND)]
        if not kept or not most:
            return []
        known = vectors(self.embedder, [str(document["idea"]) for document in kept])
        (query,) = vectors(self.embedder, [idea])
        return [_line(kept[i]["kind"], kept[i]["text"] or kept[i]["outcome"]) for i in nearest(query, known)[:most]]


def kind_of(tree: ModificationTree, trial: Trial) -> str:
    """Return what a modification was: a success is better than its parent, a failure is not or is no network."""
    if trial.score is None or tree.gain(trial) <= 0:
        return "failure"
    return "failure-to-success" if trial.notes.get("problems") else "success"


def _plain(tree: ModificationTree, trial: Trial) -> str:
    change = trial.changed[:120]
    if trial.score is None:
        return f"{change} failed: {_first(trial.error)}"
    return f"{change} changed the score by {tree.gain(trial):+.4f}"


def _first(error: str) -> str:
    lines: Sequence[str] = error.splitlines()
    return lines[0][:120] if lines else "no network"


def _line(kind: object, text: object) -> str:
    return f"- {kind}: {text}"
