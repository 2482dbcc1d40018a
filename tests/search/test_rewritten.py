"""Rewritten networks as programs: with the shipped predictor, the local LLM, and emitted code that trains."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nasc.backends import emit_torch
from nasc.ir import Module
from nasc.predictor import Predictor
from nasc.search import RewriteOptions, header, rewrite
from nasc.search.llm import NotInstalled, open_client

Networks = Callable[[str], Module]


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("emitted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["plain", "blocks", "tokens"])
def test_what_random_edits_give_trains(network: Networks, tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    options = RewriteOptions(threshold=99.0, max_iterations=3, seed=3)
    result = rewrite(network(name), Predictor.load(), None, options)
    networks = [step.network for step in result.steps if step.network is not None]
    assert networks
    for module in networks:
        path = tmp_path / "better.py"
        path.write_text(emit_torch(module, header=header(result, "a.py")), encoding="utf-8")
        model = imported(path).build_model().train()
        shape = [2, *(int(str(size)) for size in module.main.inputs[0].type.shape[1:])]
        output = model(torch.randn(shape))
        assert output.shape == (2, 10)
        output.square().mean().backward()
        assert all(p.grad is not None for p in model.parameters())


def test_the_header_and_the_changed_layers_are_in_the_code(network: Networks) -> None:
    options = RewriteOptions(threshold=99.0, max_iterations=20, seed=1)
    result = rewrite(network("plain"), Predictor.load(), None, options)
    assert result.improved
    text = emit_torch(result.best, header=header(result, "examples/a.py"))
    assert "Rewritten by nasc from examples/a.py" in text
    assert f"predicted score {result.baseline:.4f} -> {result.score:.4f}" in text
    assert "# edit: " in text


def test_the_local_llm_rewrites(network: Networks) -> None:
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    try:
        client = open_client("local")
    except NotInstalled as error:
        pytest.skip(f"the local LLM is not installed: {error}")
    result = rewrite(network("blocks"), Predictor.load(), client, RewriteOptions(threshold=99.0, max_iterations=1))
    assert result.stopped == "iterations"
    step = result.steps[-1]
    assert step.text.startswith("why: ")
    assert 8 <= len(step.explanation) <= 70
    assert step.edits
    assert step.model.startswith("SmolLM2")
