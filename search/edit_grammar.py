"""The grammar that holds an LLM to edits of one module: Lark text that both lark and llguidance read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..ir import OPS, Graph, Module, NascError, checked
from .block_grammar import block_rules
from .edits import Edit
from .focus import focus_of
from .lark_text import literal, reason_rules
from .vocabulary import Vocabulary, vocabulary

MOST_EDITS = 3


def edit_grammar(
    module: Module,
    *,
    focus: Mapping[str, Sequence[str]] | None = None,
    keep_ops: bool = False,
    edits: int = MOST_EDITS,
    why: int = 0,
    new_blocks: bool = False,
) -> str:
    """Return the grammar of scripts of 1 to ``edits`` edits of a module, as Lark text ending in a newline.

    ``focus`` names, for each graph that may be edited, the nodes; without it every graph with its most
    relevant nodes. ``keep_ops`` allows only kinds of ops that the module has. ``why`` is the length, in
    characters, of a reason that the script begins with; 0 is none. ``new_blocks`` also allows whole blocks as
    text. Every string of the grammar is a script that ``parse_edits`` reads, and each edit alone applies.
    Raises NascError where the module is wrong or holds nothing to edit.
    """
    module = checked(module)
    places = focus if focus is not None else {graph.name: focus_of(graph) for graph in module.graphs}
    allowed = kinds_of(module) if keep_ops else frozenset(OPS)
    words = [
        found
        for name, nodes in places.items()
        if not (found := vocabulary(module, module.graph(name), nodes, allowed, repairable)).empty
    ]
    if not words:
        shown = ", ".join(f"@{name}" for name in places)
        raise NascError.of(f"nothing in {shown} can be edited", "name other nodes or graphs", "edit-none")
    graphs = [module.graph(name) for name in places] if new_blocks else []
    return _Writer(allowed).grammar(words, module.entry, edits, why, graphs)


def kinds_of(module: Module) -> frozenset[str]:
    """Return the names of the ops that occur in a module."""
    return frozenset(node.op.name for graph in module.graphs for node in graph.nodes)


def repairable(module: Module, edit: Edit) -> bool:
    """Return whether a module with this edit can be made to type."""
    from ..passes import Legalize
    from .application import apply_edits

    try:
        checked(Legalize(before=module)(apply_edits(module, [edit])))
    except NascError:
        return False
    return True


class _Writer:
    """Collects rules; equal lists of options become one rule."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed
        self.names: dict[tuple[str, ...], str] = {}

    def grammar(self, words: Sequence[Vocabulary], entry: str, edits: int, why: int, blocks: Sequence[Graph]) -> str:
        reason = "reason " if why else ""
        lines = [f"start: {reason}({' | '.join(f'script{i}' for i in range(len(words)))})"]
        if blocks:
            lines[0] = lines[0][:-1] + " | block)"
        lines += reason_rules(why)
        for i, each in enumerate(words):
            header = "" if each.graph == entry and len(words) == 1 else literal(f"in @{each.graph}:\n") + " "
            lines.append(f'script{i}: {header}(edit{i} "\\n")~1..{edits}')
            lines.append(f"edit{i}: {' | '.join(self.forms(each))}")
        lines += [f"{name}: {' | '.join(options)}" for options, name in self.names.items()]
        if blocks:
            lines += block_rules(blocks, self.allowed)
        return "\n".join(lines) + "\n"

    def forms(self, words: Vocabulary) -> list[str]:
        settings = {node: self.settings(values) for node, values in words.settings.items()}
        forms = [
            self.branches("set %{} ", settings),
            self.branches("replace %{} with ", self.each(words.replacements, literal)),
            self.branches("after %{} insert ", self.each(words.insertions, literal)),
            self.branches("skip %{} -> %", self.each(words.skips, literal)),
            self.branches("delete %{}", dict.fromkeys(words.deletions, "")),
            self.branches("repeat %{}", dict.fromkeys(words.repeats, "")),
        ]
        return [form for form in forms if form]

    def settings(self, values: Mapping[str, tuple[str, ...]]) -> str:
        options = [f"{literal(name + '=')} {self.rule(map(literal, each))}" for name, each in values.items()]
        return self.rule(options)

    def each(self, options: Mapping[str, Iterable[str]], write: Callable[[str], str]) -> dict[str, str]:
        return {node: self.rule(map(write, each)) for node, each in options.items()}

    def branches(self, form: str, rules: Mapping[str, str]) -> str:
        """Return a rule with one alternative a node: the start of the edit, then what may follow."""
        options = [f"{literal(form.format(node))} {rule}".strip() for node, rule in rules.items()]
        return self.rule(options) if options else ""

    def rule(self, options: Iterable[str]) -> str:
        """Return the name of the rule with these alternatives."""
        key = tuple(options)
        return self.names.setdefault(key, f"r{len(self.names)}")
