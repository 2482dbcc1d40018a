"""GBNF from Lark: read by llguidance's own GBNF reader, it takes the strings that the Lark grammar takes."""

from random import Random

import pytest

from nasc.search.llm.gbnf import to_gbnf
from nasc.search.llm.random import draw_answer
from nasc.search.llm.rules import read_rules

llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed")

EDITS = r"""
start: edit ("\n" edit)* "\n"
edit: "set " node " " attribute | "say " /"[^"\\\n]*"/ | "both " (node | INT)~2..3
node: "%conv1" | "%bn1"
attribute: "k=" INT | /bias/i "=" BOOL
BOOL: "true" | "false"
INT: /[1-9][0-9]{0,2}/
"""
SUM = 'start: start "+" term | term\nterm: "(" start ")" | "x"\n%ignore " "\n'


@pytest.fixture(scope="module")
def letters():
    """A tokenizer whose tokens are bytes."""

    class Bytes:
        eos_token_id, bos_token_id = 256, None
        tokens = (*(bytes([value]) for value in range(256)), b"<end>")
        special_token_ids = (256,)

        def __call__(self, text):
            return list(text)

    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))


def takes(gbnf, text, tokenizer):
    from llguidance.gbnf_to_lark import gbnf_to_lark

    lark = llguidance.LLMatcher.grammar_from_lark(gbnf_to_lark(gbnf))
    matcher = llguidance.LLMatcher(tokenizer, lark, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    read = list(text.encode())
    return matcher.try_consume_tokens(read) == len(read) and matcher.is_accepting()


@pytest.mark.parametrize("grammar", [EDITS, SUM])
def test_strings_of_the_grammar_are_taken(grammar, letters):
    gbnf = to_gbnf(grammar)
    for seed in range(40):
        text = draw_answer(read_rules(grammar), Random(seed))
        assert takes(gbnf, text, letters), (text, gbnf)


@pytest.mark.parametrize(
    "text", ["set %conv2 k=1\n", "set %bn1 k=0\n", "set %bn1 k=1", "both %bn1\n", 'say "\n"\n', ""]
)
def test_other_strings_are_not(text, letters):
    assert not takes(to_gbnf(EDITS), text, letters)


def test_the_text_itself():
    assert to_gbnf(SUM).splitlines() == [
        "root ::= ignored r0-start",
        "ignored ::= (t2-ignore-0)*",
        't6-x ::= "x" ignored',
        't5-rpar ::= ")" ignored',
        't4-lpar ::= "(" ignored',
        't3-plus ::= "+" ignored',
        't2-ignore-0 ::= " "',
        "r1-term ::= t4-lpar r0-start t5-rpar | t6-x",
        "r0-start ::= (r1-term) (t3-plus r1-term)*",
    ]
