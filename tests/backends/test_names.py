"""No name, text or number of a module can break out of the emitted code."""

import ast
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from nasc.backends import emit_dot, emit_torch
from nasc.backends.pytorch.quoting import IN_MODULE, ON_CONTAINER, ON_MODULE, identifier, literal, string
from nasc.ir import Builder, CallBlock, Graph, Input, Module, f32, symbol

HOSTILE = [
    "forward", "train", "type", "half", "parameters", "keys", "items", "append", "state_dict", "__class__",
    "__import__", "__dict__", "lambda", "class", "None", "self", "torch", "nn", "F", "print", "0", "3.7", "x y",
    'a"b', "a'b", "a\\", "a\nimport os", "a\rb", "\u2028", "größe", "ﬁ", "变量", "; import os", '"""', "{}", "%s",
    "__import__('os').system('false')", "a" * 300, "_", "__", "a\x00b", "é\u202e", "add_module", "N", "weight",
]  # fmt: skip


def network(name: str) -> Module:
    """Put a name wherever a module has names."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 4))
    x = b("linear", x, out_features=4, path=name.replace(".", "_"))
    x = b("linear", x, out_features=4, path=f"block.{name.replace('.', '_')}")
    x = b("linear", x, out_features=4, path=f"{name.replace('.', '_')}2.fc")
    bias = b("parameter", key=f"block.sub.{name.replace('.', '_')}", shape=(4,))
    x = b("add", b("add", x, bias), b("constant", key=f"{name}1", shape=(4,)))
    graph = b.finish(b("relu", x))
    values = {value: name + "'" * i for i, value in enumerate(graph.value_names())}
    nodes = [
        replace(
            node,
            operands=tuple(values[v] for v in node.operands),
            results=tuple(values[v] for v in node.results),
            notes={"edit": name},
        )
        for node in graph.nodes
    ]
    renamed = Graph(name, (Input(name, graph.inputs[0].type),), tuple(nodes), (values["relu"],), scopes={"": name})
    return Module((renamed,), name)


def names_in(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name: str, load: Any) -> None:
    module = network(name)
    text = emit_torch(module, [name, f'"""\n{name}'])
    text.encode("utf-8")
    imported = {
        alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported <= {"torch", "torch.nn.functional"}
    calls = {ast.unparse(n.func) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)}
    assert not {"__import__", "eval", "exec", "os.system", "print"} & calls
    model = load(module, header=[name]).build_model()
    model(torch.ones(2, 4)).sum().backward()
    model.load_state_dict(model.state_dict())


@pytest.mark.parametrize("name", [n for n in HOSTILE if n not in ("__", "_") and "." not in n])
def test_layers_keep_hostile_keys(name: str, load: Any) -> None:
    keys = load(network(name)).build_model().state_dict()
    assert {f"{name}.weight", f"block.{name}.weight", f"{name}2.fc.weight"} <= set(keys)


@pytest.mark.parametrize("name", [n for n in HOSTILE if n.isascii() and n.isidentifier() and n not in ("N", "None")])
def test_hostile_symbols_stay_symbols(name: str, load: Any) -> None:
    inner = Builder("block", [name])
    x = inner.input("x", f32(symbol("N"), symbol(f"{name}1")))
    block = inner.finish(inner("linear", x, out_features=symbol(name), path="fc"))
    b = Builder(blocks={"block": block})
    op = CallBlock(callee="block", arguments=((name, 8),))
    results = b.add(op, [b.input("x", f32(symbol("N"), 4))], path="a")
    assert load(b.module(*results)).build_model()(torch.ones(2, 4)).shape == (2, 8)


def public_names(thing: nn.Module) -> set[str]:
    """Names of attributes but for those that another library adds to every module (transformers does)."""
    owners = {name: getattr(getattr(nn.Module, name), "__module__", None) for name in dir(nn.Module)}
    theirs = {name for name, owner in owners.items() if owner and not owner.startswith(("torch", "builtins"))}
    return {name for name in dir(thing) if not name.startswith("__")} - theirs


def test_the_reserved_names_are_those_of_torch() -> None:
    containers = (nn.ModuleDict(), nn.ModuleList(), nn.Sequential(), nn.ParameterDict())
    inside = set(vars(nn.Module()))
    public = public_names(nn.Module()) - inside
    added = {name for container in containers for name in public_names(container)} - public - inside
    assert inside <= IN_MODULE
    assert public <= ON_MODULE
    assert added <= ON_CONTAINER


@pytest.mark.parametrize("value", [*HOSTILE, 1, -2.5, 1e-6, 1e300, True, None, (1,), (1, (2.5, "x")), [1, 2]])
def test_literals_read_back(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_strings_are_ascii() -> None:
    assert string('é"\n\u202e') == '"\\xe9\\x22\\x0a\\u202e"'


def test_identifiers_are_distinct() -> None:
    taken: set[str] = set()
    for name in HOSTILE * 2:
        made = identifier(name, taken)
        assert made.isidentifier()
        assert made not in taken
        taken.add(made)


@pytest.mark.parametrize("name", HOSTILE)
def test_dot_labels_stay_labels(name: str) -> None:
    text = emit_dot(network(name))
    assert text.count("digraph") - name.count("digraph") >= 1
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    assert "import" not in outside
    assert "system" not in outside
    assert outside.count("{") == outside.count("}")


def test_a_tensor_may_be_called_as_a_layer_that_comes_later(load: Any) -> None:
    b = Builder()
    x = b("add", b.input("x", f32(symbol("N"), 4)), b("parameter", key="fc", shape=(4,)))
    model = load(b.module(b("linear", x, out_features=4, path="fc"))).build_model()
    assert set(model.state_dict()) == {"fc_", "fc.weight", "fc.bias"}
