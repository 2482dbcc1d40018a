"""The space around a model: whatever is drawn, mutated, crossed or written is a legal network with its interface."""

from collections.abc import Callable
from random import Random

import pytest

from nasc.grammar import parse
from nasc.ir import Module, NascError, checked, digest
from nasc.search.engine import Spot
from nasc.search.llm import Message, Prompt, open_client
from nasc.search.spaces.model import ModelSpace

Network = Callable[[str], Module]


def answers(grammar: str, count: int) -> list[str]:
    client = open_client("random")
    return [client.complete(Prompt((Message("user", "?"),), grammar, seed=seed)).text for seed in range(count)]


@pytest.mark.parametrize("name", ["plain", "blocks", "tokens"])
def test_mutations_are_other_networks_with_the_same_interface(network: Network, name: str) -> None:
    space = ModelSpace([network(name)])
    (start,) = space.starts()
    changes = [space.mutate(start, Random(seed)) for seed in range(8)]
    assert len({digest(change.module) for change in changes} - {digest(start)}) > 4
    for change in changes:
        assert digest(space.check(change.module)) == digest(change.module)
        assert digest(space.apply(start, change.text).module) == digest(change.module)


def test_a_mutation_at_a_spot_leaves_the_rest_alone(network: Network) -> None:
    space = ModelSpace([network("blocks")])
    (start,) = space.starts()
    spots = {spot.name: spot for spot in space.spots(start)}
    assert list(spots) == ["layer", "main", "main: stem", "main: downsample"]
    for seed in range(6):
        assert "in @layer:" in space.mutate(start, Random(seed), spots["layer"]).text
        assert "%stem" in space.mutate(start, Random(seed), spots["main: stem"]).text


def test_samples_are_walks_from_a_start(network: Network) -> None:
    space = ModelSpace([network("plain")], walk=3)
    sample = space.sample(Random(5))
    assert 1 <= sample.text.count("in @main:") <= 3
    assert digest(space.sample(Random(5)).module) == digest(sample.module)


def test_a_child_takes_what_tells_its_second_parent_from_the_first(network: Network) -> None:
    space = ModelSpace([network("plain")])
    (start,) = space.starts()
    other = space.apply(start, "replace %relu1 with gelu\ndelete %layer1.0.relu").module
    both = [space.cross(start, other, Random(seed)) for seed in range(6)]
    assert {change.text for change in both} == {
        "in @main:\nreplace %relu1 with gelu {approximate=none}\n",
        "in @main:\ndelete %layer1.0.relu\n",
    }
    assert digest(space.cross(start, start, Random(0)).module) == digest(start)


def test_crossing_exchanges_blocks_that_have_little_in_common(network: Network) -> None:
    space = ModelSpace([network("blocks")])
    (start,) = space.starts()
    block = """graph @layer(%x: f32[N,C,H,H]) -> f32[N,C,H,H] {
  %a = batch_norm %x
  %b = silu %a
  return %b
}"""
    other = space.apply(start, block).module
    child = space.cross(start, other, Random(0))
    assert digest(child.module) == digest(other)


@pytest.mark.parametrize("name", ["plain", "blocks", "tokens"])
def test_answers_drawn_from_the_grammars_become_networks(network: Network, name: str) -> None:
    space = ModelSpace([network(name)])
    (start,) = space.starts()
    parents = [space.sample(Random(1)).module, space.sample(Random(2)).module]
    for answer in answers(space.child_grammar(parents), 4):
        child = space.write(parents, answer).module
        assert space.check(child) is child
    for answer in answers(space.grammar(start, changes=1), 4):
        assert digest(space.apply(start, answer).module) != digest(start)


def test_children_of_a_network_with_few_places_for_changes_are_never_empty() -> None:
    text = """nasc 1

graph @main(%x: f32[N,1,40]) -> f32[N,10] {
  %conv = conv1d %x {out_channels=4, kernel_size=5} #conv
  %flatten = flatten %conv {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}
"""
    parents = [parse(text)]
    grammar = ModelSpace(parents).child_grammar(parents)
    assert grammar.splitlines()[0] == "start: s0_3_1 | s0_3_2"
    for answer in answers(grammar, 4):
        assert answer.startswith("graph @main")


def test_children_of_large_networks_are_edits_of_the_first_parent(network: Network) -> None:
    space = ModelSpace([network("plain")])
    (start,) = space.starts()
    large = space.apply(start, "repeat %conv1\n" * 18).module
    answer = answers(space.child_grammar([large, start]), 1)[0]
    assert "graph @" not in answer
    assert digest(space.write([large, start], answer).module) != digest(large)


def test_networks_are_shown_as_they_are_written(network: Network) -> None:
    space = ModelSpace([network("blocks")])
    (start,) = space.starts()
    text = space.show(start)
    assert digest(space.write([start], text).module) == digest(start)
    spot = space.spots(start)[0]
    assert space.show(start, spot).endswith("@layer is used 3 times in @main.")
    assert len(space.show(start, spot, limit=200)) < 300


def test_starts_must_be_there_and_agree(network: Network) -> None:
    with pytest.raises(NascError) as none:
        ModelSpace([])
    assert str(none.value) == "error: a search needs a network to start from\n  help: give a model"
    with pytest.raises(NascError) as other:
        ModelSpace([network("plain"), network("tokens")])
    assert str(other.value) == "error: the network has the inputs f32[N,16,64]\n  help: expected f32[N,3,32,32]"


def test_kept_ops_are_those_of_the_starts(network: Network) -> None:
    space = ModelSpace([network("plain")], keep_ops=True)
    (start,) = space.starts()
    with pytest.raises(NascError) as found:
        space.apply(start, "replace %relu1 with gelu")
    assert str(found.value) == "error: gelu is no operation of this model\n  help: did you mean 'relu'?"


def test_a_spot_of_another_network_is_told_apart(network: Network) -> None:
    space = ModelSpace([network("plain")])
    (start,) = space.starts()
    with pytest.raises(NascError) as gone:
        space.show(start, Spot("layer"))
    assert str(gone.value) == (
        "error: there is no graph @layer any more\n  help: take one of the spots of this network"
    )


def test_a_network_without_anything_to_edit_has_no_mutation() -> None:
    fixed = "nasc 1\n\ngraph @main(%x: f32[N,4]) -> f32[N,4] {\n  %y = exp %x\n  return %y\n}\n"
    space = ModelSpace([checked(parse(fixed))])
    with pytest.raises(NascError) as none:
        space.mutate(space.starts()[0], Random(0))
    assert str(none.value) == (
        "error: no edit in this network makes another network\n  help: take another place or network"
    )


def test_recurrent_layers_can_be_changed() -> None:
    text = """nasc 1

graph @main(%x: f32[N,40,1]) -> f32[N,10] {
  %gru, %state = gru %x {hidden_size=6, batch_first=true, bidirectional=true} #gru
  %flatten = flatten %gru {start_dim=1}
  %head = linear %flatten {out_features=10} #head
  return %head
}
"""
    space = ModelSpace([parse(text)])
    (start,) = space.starts()
    lines = {space.mutate(start, Random(seed)).text.splitlines()[1] for seed in range(16)}
    assert {
        "set %gru hidden_size=3",
        "set %gru num_layers=2",
        "after %gru insert layer_norm {normalized_shape=12}",
    } <= lines
