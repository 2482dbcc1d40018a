"""The open space around models of the user's: every network that edits of theirs lead to."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ...ir import OPS, Module, NascError, checked, digest
from ...passes import Legalize
from ..application import apply_edits
from ..edit_grammar import edit_grammar, kinds_of
from ..edit_script import parse_edits
from ..edits import Edit, edit_script
from ..engine import Change, Spot
from ..focus import Place, focus_of
from ..judging import check_interface, check_kinds, interface_of, prepared
from ..limits import Limits
from ..view import show_context, show_place, show_runs
from .child import child_rules, small, without_identities, write_out
from .crossing import differences
from .mutation import draw_edit
from .places import graph_of, spots_of

_DRAWS = 24


class ModelSpace:
    """Networks with the interface of the starts, reached by edits.

    ``keep_ops`` allows only kinds of ops that a start has. ``walk`` is the most mutations that lie between a start
    and a sample. ``name`` is what the user called the model. Raises NascError where there is no start, or starts
    take or give different types.
    """

    def __init__(self, starts: Sequence[Module], keep_ops: bool = False, walk: int = 8, name: str = "model") -> None:
        if not starts:
            raise NascError.of("a search needs a network to start from", "give a model", "no-start")
        self.name = name
        self.walk = walk
        self._starts = tuple(prepared(module) for module in starts)
        self._interface = interface_of(self._starts[0])
        self._allowed = frozenset[str]().union(*map(kinds_of, self._starts)) if keep_ops else frozenset(OPS)
        self._keep_ops = keep_ops
        for module in self._starts[1:]:
            check_interface(module, self._interface)

    def starts(self) -> tuple[Module, ...]:
        """Return the models, canonical and with repeated blocks factored out."""
        return self._starts

    def check(self, module: Module) -> Module:
        """Return a network typed, and legal where it can be repaired. Raises NascError."""
        return self._legal(module, None)

    def sample(self, rng: Random) -> Change:
        """Return where a random walk of 1 to ``walk`` mutations from a random start leads."""
        module, lines = rng.choice(self._starts), list[str]()
        for _ in range(rng.randint(1, self.walk)):
            change = self.mutate(module, rng)
            module = change.module
            lines.append(change.text)
        return Change(module, "".join(lines))

    def mutate(self, module: Module, rng: Random, spot: Spot | None = None) -> Change:
        """Return one random edit, drawn from what the edit grammar offers. Raises NascError where none applies."""
        module = checked(module)
        places = self._nodes(module, spot)
        before = digest(module)
        for _ in range(_DRAWS if places else 0):
            graph, node = rng.choice(places)
            edit = draw_edit(module, graph, node, self._allowed, rng)
            changed = self._tried(module, [edit]) if edit else None
            if edit and changed is not None and digest(changed) != before:
                return Change(changed, edit_script([edit]))
        where = f"in {spot.name}" if spot else "in this network"
        raise NascError.of(f"no edit {where} makes another network", "take another place or network", "edit-none")

    def cross(self, first: Module, second: Module, rng: Random) -> Change:
        """Return the first network with some of what tells the second from it, or the first where nothing does."""
        first = checked(first)
        found = list(differences(first, checked(second)))
        rng.shuffle(found)
        wanted = rng.randint(1, max(1, len(found) - 1))
        module, taken = first, list[Edit]()
        for edit in found:
            changed = self._tried(module, [edit]) if len(taken) < wanted else None
            if changed is not None:
                module = changed
                taken.append(edit)
        return Change(module, edit_script(taken))

    def spots(self, module: Module) -> tuple[Spot, ...]:
        """Return the graphs by falling potential, then stem and downsampling layers of the entry."""
        return spots_of(module)

    def show(self, module: Module, spot: Spot | None = None, limit: int = 1800) -> str:
        """Return the text of a spot's graph, or of the whole network; what does not fit is counted in it."""
        if spot is None and small(module) and len(text := write_out(module)) <= limit:
            return text
        graph = graph_of(module, spot)
        place = Place(graph.name, spot.nodes if spot and spot.nodes else focus_of(graph))
        text = show_place(module, place, limit, types=False)
        around = show_context(module, place, limit - len(text)) if spot is None else show_runs(module, place)
        return f"{text}\n{around}".rstrip()

    def grammar(self, module: Module, spot: Spot | None = None, changes: int = 2, why: int = 0) -> str:
        """Return the grammar of edit scripts. Raises NascError where nothing at the spot can be edited."""
        focus = {graph_of(module, spot).name: spot.nodes} if spot and spot.nodes else None
        return edit_grammar(module, focus=focus, keep_ops=self._keep_ops, edits=changes, why=why)

    def child_grammar(self, parents: Sequence[Module]) -> str:
        """Return the grammar of the first parent's text with a few lines changed; of edits where it is large.

        Raises NascError where nothing can be changed.
        """
        first = checked(parents[0])
        rules = child_rules([first, *map(checked, parents[1:])], self._allowed) if small(first) else ""
        return rules or edit_grammar(first, keep_ops=self._keep_ops)

    def apply(self, module: Module, answer: str, spot: Spot | None = None) -> Change:
        """Return what a script of edits makes of a network, repaired around the edits. Raises NascError."""
        edits = parse_edits(answer, graph_of(module, spot).name if spot else "")
        return Change(self._edited(checked(module), edits), edit_script(edits))

    def write(self, parents: Sequence[Module], answer: str) -> Change:
        """Return the child that a text describes; weights go by the names of the first parent. Raises NascError."""
        first = checked(parents[0])
        edits = parse_edits(answer)
        written = apply_edits(first, edits)
        idle = [edit for edit in without_identities(written) if edit not in without_identities(first)]
        return Change(self._legal(apply_edits(written, idle), first), answer)

    def _nodes(self, module: Module, spot: Spot | None) -> list[tuple[str, str]]:
        if spot is not None and spot.nodes:
            graph = graph_of(module, spot)
            return [(graph.name, name) for name in spot.nodes]
        graphs = [graph_of(module, spot)] if spot else module.graphs
        return [(graph.name, name) for graph in graphs for name in focus_of(graph, len(graph.nodes))]

    def _edited(self, module: Module, edits: Sequence[Edit]) -> Module:
        return self._legal(apply_edits(module, edits), module)

    def _tried(self, module: Module, edits: Sequence[Edit]) -> Module | None:
        try:
            return self._edited(module, edits)
        except NascError:
            return None

    def _legal(self, module: Module, before: Module | None) -> Module:
        legal = checked(Legalize(before=before)(module))
        check_interface(legal, self._interface)
        check_kinds(legal, self._allowed)
        Limits().check(legal)
        return legal
