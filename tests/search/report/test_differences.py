"""The diff of a candidate to its parent, block by block where that is possible."""

from collections.abc import Callable

from nasc.grammar import parse
from nasc.ir import Module
from nasc.search.report.differences import Edit, compare, without_notes
from nasc.tests.search.report.studies import network

FLAT = """\
nasc 1

graph @main(%x: f32[N,3,8,8]) -> f32[N,8,8,8] {
  %conv = conv2d %x {out_channels=8, kernel_size=3, padding=1} #stem.conv @{relevance=0.5}
  %act = relu %conv #stem.act @{relevance=0.25}
  return %act
}
"""


def test_edit_of_a_block_is_told_once_with_the_relevance_of_the_layer(relevance: Callable[[Module], Module]) -> None:
    found = compare(relevance(network()), relevance(network(kernel=5)))
    assert found.summary == "@block: 1 edit: 1 changed"
    (part,) = found.parts
    assert (part.blocks, part.count) == ("@block", 1)
    assert part.edits == (Edit("changed", "conv", "conv2d kernel_size 3 -> 5, padding 1 -> 2", 1.0),)


def test_calls_that_differ_are_compared_flat(relevance: Callable[[Module], Module]) -> None:
    found = compare(relevance(network()), network(16))
    assert found.summary.startswith("2 edits: 2 changed")
    edits = [edit for part in found.parts for edit in part.edits]
    assert [(edit.kind, edit.relevance) for edit in edits] == [("changed", 1.0)]


def test_what_was_inserted_has_the_relevance_of_the_child() -> None:
    after = parse(FLAT)
    before = parse(FLAT.replace("  %act = relu %conv #stem.act @{relevance=0.25}\n  return %act", "  return %conv"))
    (edit,) = (edit for part in compare(before, after).parts for edit in part.edits if edit.kind == "inserted")
    assert (edit.layer, edit.relevance) == ("act", 0.25)
    (edit,) = (edit for part in compare(after, before).parts for edit in part.edits if edit.kind == "deleted")
    assert (edit.layer, edit.relevance) == ("act", 0.25)


def test_notes_are_no_difference() -> None:
    found = compare(parse(FLAT), without_notes(parse(FLAT)))
    assert (found.summary, found.parts) == ("the same network", ())
