"""Random edits: every string that is drawn is one of the grammar, and every alternative has its turn."""

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark

from nasc.search.llm import BadGrammar, Message, Prompt, open_client
from nasc.search.llm.random import draw_answer
from nasc.search.llm.regex import draw, read_regex
from nasc.search.llm.rules import read_rules

EDITS = r"""
start: edit (NL edit)* NL
edit: "set " node " " attribute | "replace " node " with " op | "insert " op " after " node (" x" INT)? | _s
_s: "skip " node " -> " node
node: "%conv1" | "%bn1" | "%relu1"
op: "conv2d {" attribute ("," attribute)* "}" | /re[lL]u/i -> folded | "gelu"
?attribute: "kernel_size=" INT | "bias=" BOOL | "padding=[" INT ("," INT)~1..3 "]"
BOOL: "true" | "false"
INT: /[1-9][0-9]{0,2}/
NL: "\n"
"""
SPACED = r"""
start: (WORD "=" value ";")+
value: NUMBER | WORD | "[" [value ("," value)*] "]" | STRING
STRING: /"[^"\\\n]*"/
WORD: /[a-z_]\w*/
%import common.NUMBER
%import common.WS
%ignore WS
"""
NESTED = r"""
start: expr
expr: expr "+" term | term
term: "(" expr ")" | "x"
"""
KEYWORDS = r"""
start: "let" NAME "=" NAME
NAME: /[a-z]{1,3}/
%ignore " "
"""
GRAMMARS = {"edits": EDITS, "spaced": SPACED, "nested": NESTED, "keywords": KEYWORDS}


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_draw_is_a_string_of_the_grammar(name):
    parser = Lark(GRAMMARS[name], parser="earley", maybe_placeholders=False)
    rules = read_rules(GRAMMARS[name])
    drawn = {draw_answer(rules, Random(seed)) for seed in range(60)}
    for text in drawn:
        parser.parse(text)
    assert len(drawn) > 10


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "bc", r"\.", "[a-c]", "[^a-y]", r"\d", r"\w", r"[\d_x-]", "(?i:kB)", r"\x41", r"[\]^]"]),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
            st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{2,}", "+?"])).map(
                lambda two: f"(?:{two[0]}){two[1]}"
            ),
        ),
        max_leaves=6,
    ),
    st.integers(),
)
def test_every_draw_matches_its_expression(pattern, seed):
    text = draw(read_regex(pattern), Random(seed))
    assert re.fullmatch(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("a(?=b)", "an unsupported group at character 4"),
        ("^a", "an unsupported '^' at character 1"),
        (r"(a)\1", r"an unsupported \1 at character 5"),
        ("(a", "no ')' at character 3"),
        ("a)", "an unmatched ')' at character 2"),
        ("[a", "no end at character 3"),
        ("[z-a]", "a range that runs backwards at character 5"),
    ],
)
def test_an_expression_that_is_not_known_is_named(pattern, what):
    with pytest.raises(BadGrammar) as caught:
        read_regex(pattern)
    assert str(caught.value) == (
        f"error: grammar: /{pattern}/ has {what}\n  help: use literals, classes, groups, | and ? * + {{n,m}} only"
    )


def test_every_alternative_has_its_turn():
    rules = read_rules('start: a | b | c\na: "a"\nb: "b"\nc: "c" "c"?\n')
    counts = Counter(draw_answer(rules, Random(seed))[0] for seed in range(300))
    assert set(counts) == set("abc")
    assert min(counts.values()) > 60


def test_deep_grammars_end():
    rules = read_rules('start: "(" start start ")" | "x"\n')
    assert max(len(draw_answer(rules, Random(seed), depth=6)) for seed in range(50)) < 3**7


def ask(prompt):
    return open_client("random").complete(prompt).text


def test_the_seed_decides():
    prompt = Prompt((Message("user", "change it"),), EDITS)
    assert ask(prompt) == ask(prompt)
    assert len({ask(replace(prompt, seed=seed)) for seed in range(10)}) > 5
    assert ask(prompt) != ask(replace(prompt, messages=(Message("user", "again"),)))


@pytest.mark.parametrize(
    ("grammar", "golden"),
    [
        (None, "random: the prompt has no grammar to draw from\n  help: give Prompt(grammar=...)"),
        (
            "start: nothing",
            "grammar: lark cannot read it: Rule 'nothing' used but not defined (in rule start)\n"
            "  help: keep to the subset that lark and llguidance share",
        ),
        ('start: "a" start', "grammar: rule 'start' never ends\n  help: give it an alternative that does"),
    ],
)
def test_a_grammar_that_cannot_be_drawn_from_says_why(grammar, golden):
    with pytest.raises(BadGrammar) as caught:
        ask(Prompt((Message("user", "change it"),), grammar))
    assert str(caught.value) == f"error: {golden}"
