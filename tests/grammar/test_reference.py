"""docs/ir.md is what the op table says."""

from pathlib import Path

from nasc.grammar import parse_checked, print_module
from nasc.grammar.reference import example, reference
from nasc.ir import OPS, attributes_of


def test_the_page_is_current() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "ir.md"
    assert page.read_text(encoding="utf-8") == reference(), "python -m nasc.grammar.reference > docs/ir.md"


def test_the_example_is_in_normal_form() -> None:
    assert print_module(parse_checked(example())) == example()


def test_every_op_and_attribute_is_listed() -> None:
    page = reference()
    for name, cls in OPS.items():
        section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert section
        assert name == "call" or all(f"| `{attribute}` |" in section for attribute in attributes_of(cls))
