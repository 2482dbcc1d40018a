"""The edit grammar: lark and llguidance read it, every string of it is a script, every edit of it applies."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest
from lark import Lark

from nasc.grammar import parse, print_graph
from nasc.ir import OPS, Module, NascError, checked
from nasc.passes import Legalize
from nasc.search import Edit, Insert, Replace, apply_edits, edit_grammar, parse_edits, parse_script
from nasc.search.focus import MOST_NODES, focus_of
from nasc.search.llm.random import draw_answer
from nasc.search.llm.rules import Rules, read_rules

Networks = Callable[[str], Module]
NAMES = ("plain", "blocks", "tokens")


def expansions(rules: Rules, parts: Sequence[str]) -> Iterator[str]:
    """Every string that a sequence of symbols stands for."""
    if not parts:
        yield ""
        return
    for first in _strings(rules, parts[0]):
        for rest in expansions(rules, parts[1:]):
            yield first + rest


def _strings(rules: Rules, name: str) -> Iterator[str]:
    if name in rules.terminals:
        yield draw_literal(rules, name)
        return
    for option in rules.productions[name]:
        yield from expansions(rules, option)


def draw_literal(rules: Rules, name: str) -> str:
    from nasc.search.llm.regex import draw

    return draw(rules.terminals[name], Random(0))


def repairs(module: Module, edits: Sequence[Edit]) -> bool:
    try:
        checked(Legalize(before=module)(apply_edits(module, edits)))
    except NascError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_every_single_edit_applies_and_types(network: Networks, name: str) -> None:
    module = network(name)
    rules = read_rules(edit_grammar(module, edits=1))
    texts = set(expansions(rules, ["start"]))
    assert len(texts) > 60
    for text in texts:
        after = checked(Legalize(before=module)(apply_edits(module, parse_edits(text))))
        assert after.main.output_types == module.main.output_types, text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"why": 60}, {"keep_ops": True, "edits": 2}])
def test_samples_are_scripts_that_mostly_apply(network: Networks, name: str, options: dict[str, int]) -> None:
    module = network(name)
    grammar = edit_grammar(module, **options)  # type: ignore[arg-type]
    parser = Lark(grammar, parser="lalr")
    applied = 0
    for seed in range(60):
        text = draw_answer(read_rules(grammar), Random(seed))
        parser.parse(text)
        script = parse_script(text)
        assert 1 <= len(script.edits) <= 3
        assert bool(script.why) == ("why" in options)
        applied += repairs(module, script.edits)
    assert applied >= 45


@pytest.mark.parametrize("name", NAMES)
def test_llguidance_takes_what_lark_takes(network: Networks, name: str) -> None:
    llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed")
    grammar = edit_grammar(network(name), why=60, new_blocks=True)
    tokens = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokens, llguidance.LLMatcher.grammar_from_lark(grammar), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    for seed in range(30):
        text = draw_answer(read_rules(grammar), Random(seed))
        matcher.reset()
        ids = tokens.tokenize_str(text)
        assert matcher.try_consume_tokens(ids) == len(ids), text
        assert matcher.is_accepting()
        matcher.reset()
        assert matcher.try_consume_tokens(tokens.tokenize_str(text.replace("%", "&"))) < len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_whole_blocks_are_in_the_grammar(network: Networks, name: str) -> None:
    module = network(name)
    parser = Lark(edit_grammar(module, new_blocks=True), parser="lalr")
    for graph in module.graphs:
        if any(node.op.name == "call" for node in graph.nodes):
            continue
        text = print_graph(graph, types=False, locations=False)
        plain = "\n".join(line.partition(" #")[0] for line in text.splitlines())
        parser.parse(f"{plain}\n")


def test_kept_ops_are_those_of_the_module(network: Networks) -> None:
    module = network("plain")
    kinds = {node.op.name for node in module.main.nodes}
    rules = read_rules(edit_grammar(module, edits=1, keep_ops=True))
    for text in expansions(rules, ["start"]):
        for edit in parse_edits(text):
            assert not isinstance(edit, Replace | Insert) or edit.op.name in kinds
    free = edit_grammar(module)
    assert any(f'"{name}"' in free for name in OPS.keys() - kinds)


def test_grammar_of_a_large_module_stays_small() -> None:
    lines = ["graph @main(%x: f32[N,8,32,32]) -> f32[N,8,32,32] {"]
    for i in range(300):
        lines.append(f"  %c{i} = conv2d %{f'c{i - 1}' if i else 'x'} {{out_channels=8, kernel_size=3, padding=1}}")
    module = checked(parse("nasc 1\n\n" + "\n".join([*lines, "  return %c299", "}", ""])))
    assert len(focus_of(module.main)) == MOST_NODES
    assert len(edit_grammar(module)) < 12_000


def test_focus_bounds_where(network: Networks) -> None:
    rules = read_rules(edit_grammar(network("blocks"), focus={"basic": ["bn1", "relu1"]}, edits=1))
    edits = [edit for text in expansions(rules, ["start"]) for edit in parse_edits(text)]
    assert {edit.graph for edit in edits} == {"basic"}
    assert {edit.node for edit in edits} <= {"bn1", "relu1"}


def test_relevance_decides_what_is_in_focus() -> None:
    nodes = "".join(f"  %a{i} = relu %{f'a{i - 1}' if i else 'x'} @{{relevance={i / 40}}}\n" for i in range(40))
    module = parse(f"nasc 1\n\ngraph @main(%x: f32[N,8]) -> f32[N,8] {{\n{nodes}  return %a39\n}}\n")
    assert focus_of(module.main, most=3) == ("a37", "a38", "a39")


def test_nothing_to_edit_is_an_error() -> None:
    module = parse(
        "nasc 1\n\ngraph @main(%x: f32[N,8]) -> f32[8,N] {\n  %y = permute %x {dims=[1, 0]}\n  return %y\n}\n"
    )
    with pytest.raises(NascError, match="nothing in @main can be edited"):
        edit_grammar(module)


def test_text_of_names_cannot_break_out_of_the_grammar() -> None:
    lines = ["graph @main(%x: f32[N,8]) -> f32[N,8] {", '  %"a\\" | b" = relu %x', '  %c = relu %"a\\" | b"']
    module = parse("nasc 1\n\n" + "\n".join([*lines, "  return %c", "}", ""]))
    for sample in expansions(read_rules(edit_grammar(module, edits=1)), ["start"]):
        assert [edit.node for edit in parse_edits(sample)] == ["c"]
