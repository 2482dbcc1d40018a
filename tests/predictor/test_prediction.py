"""The predictor as its users see it: scores, edits and masks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from nasc.ir import Builder, Module, NascError, f32, symbol
from nasc.passes import Canonicalize, inline
from nasc.predictor import Predictor
from nasc.predictor.ensemble import Ensemble
from nasc.predictor.prediction import SHIPPED
from nasc.tests.predictor.networks import residual, transformer


def score(predictor: Predictor, module: Module) -> float:
    (prediction,) = predictor.predict([module])
    return prediction.score


def test_predictions_are_finite_and_read_as_accuracies(predictor: Predictor) -> None:
    for prediction in predictor.predict([residual(), transformer(), residual(1, 1, 4)]):
        assert np.isfinite(prediction.score)
        assert prediction.std > 0
        assert 0 < prediction.accuracy < 1


def test_no_modules_give_no_predictions(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert predictor.embed([]).shape[0] == 0
    assert predictor.score_masked(residual(1, 1), []) == []


def test_a_better_score_is_a_better_accuracy(predictor: Predictor) -> None:
    accuracy = [predictor.ensemble.card.accuracy(score) for score in np.linspace(-8, 8, 200)]
    assert accuracy == sorted(accuracy)
    assert len(set(accuracy)) == len(accuracy)


EDITS = {
    "fewer blocks": (residual(3, 3), residual(3, 2)),
    "a stage less": (residual(3, 2), residual(2, 2)),
    "half the width": (residual(3, 2, 32), residual(3, 2, 16)),
    "smaller kernels": (residual(3, 2, 32, 3), residual(3, 2, 32, 1)),
    "a shallower transformer": (transformer(4), transformer(1)),
    "a narrower transformer": (transformer(2, 128), transformer(2, 32)),
    "beyond all benchmarks": (residual(4, 12, 256), residual(4, 10, 256)),
}


@pytest.mark.parametrize(("better", "worse"), EDITS.values(), ids=EDITS)
def test_edits_move_the_score_the_way_they_should(predictor: Predictor, better: Module, worse: Module) -> None:
    assert score(predictor, better) > score(predictor, worse) + 1e-3


def test_the_canonical_form_scores_the_same(predictor: Predictor) -> None:
    for module in (residual(), transformer()):
        canonical = Canonicalize(train=False)(inline(module))
        assert score(predictor, canonical) == pytest.approx(score(predictor, module), abs=1e-5)


@pytest.mark.parametrize("module", [residual(), transformer()], ids=["residual", "transformer"])
def test_masks_in_batches_score_as_one_at_a_time(predictor: Predictor, module: Module) -> None:
    names = [node.name for node in module.main.nodes]
    masks = [frozenset[str](), *(frozenset({name}) for name in names), frozenset(names[3:9])]
    together = predictor.score_masked(module, masks)
    alone = [predictor.score_masked(module, [mask])[0] for mask in masks]
    assert together == pytest.approx(alone, abs=1e-5)
    assert together[0] == pytest.approx(score(predictor, module), abs=1e-5)


def test_masked_layers_cost_score(predictor: Predictor) -> None:
    module = residual()
    layers = {node.path: node.name for node in module.main.nodes}
    stage = [name for path, name in layers.items() if path.startswith("stages.2.")]
    whole, convolution, norm, everything, moved = predictor.score_masked(
        module, [[], [layers["stages.1.0.a.conv"]], [layers["stages.1.0.a.bn"]], stage, [layers["drop"]]]
    )
    assert everything < convolution < whole
    assert norm < whole
    assert moved == pytest.approx(whole, abs=1e-6)


def test_the_threshold_is_a_quarter_of_the_family_above_the_baseline(predictor: Predictor) -> None:
    assert 0.3 < predictor.family_std < 3
    assert predictor.threshold(1.0) == pytest.approx(1 + predictor.family_std / 4)


def test_embeddings_have_one_row_a_network(predictor: Predictor) -> None:
    embeddings = predictor.embed([residual(), transformer(), residual()])
    assert embeddings.shape[0] == 3
    np.testing.assert_allclose(embeddings[0], embeddings[2], atol=1e-5)
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-2


def test_missing_weights_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(NascError, match="nasc train"):
        Predictor.load(tmp_path / "none.safetensors")


def test_other_weights_are_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASC_WEIGHTS", str(tmp_path))
    with pytest.raises(NascError, match=r"nasc\.safetensors"):
        Predictor.load()
    (tmp_path / "nasc.safetensors").write_bytes(SHIPPED.read_bytes())
    assert Predictor.load().family_std == Predictor.load(SHIPPED).family_std


AGAIN = "\n  help: train them anew with `nasc train`"


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    save_file({"0.x": torch.zeros(1)}, path := tmp_path / "other.safetensors")
    with pytest.raises(NascError) as error:
        Predictor.load(path)
    assert str(error.value) == f"error: predictor weights {path} were made for other features{AGAIN}"


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("trunk.offset", "KeyError: 'offset'"),
        ("domain.axes", "KeyError: 'axes'"),
        (
            "0.norm.bias",
            'RuntimeError: Error(s) in loading state_dict for Encoder:\n\tMissing key(s) in state_dict: "no',
        ),
        ("card", "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("shape", "KeyError: 'shape'"),
    ],
)
def test_damaged_weights_are_refused(lost: str, said: str, tmp_path: Path) -> None:
    tensors = load_file(SHIPPED)
    with safe_open(SHIPPED, framework="pt") as file:
        card = file.metadata()["card"]
    tensors.pop(lost, None)
    changed = {"card": "{", "shape": card.replace('"shape"', '"form"')}.get(lost, card)
    save_file(tensors, path := tmp_path / "damaged.safetensors", metadata={"card": changed})
    with pytest.raises(NascError) as error:
        Predictor.load(path)
    assert str(error.value).startswith(f"error: predictor weights {path} are damaged: {said}")
    assert str(error.value).endswith(AGAIN)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    for length in (0, 4, 1000, -1):
        path.write_bytes(SHIPPED.read_bytes()[:length])
        with pytest.raises(NascError, match="cannot be read"):
            Predictor.load(path)


def test_weights_that_were_written_anew_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Predictor.load(SHIPPED)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    path = tmp_path / "one" / SHIPPED.name
    first.ensemble.write(path)
    monkeypatch.chdir(tmp_path / "one")
    loaded = Predictor.load(SHIPPED.name)
    assert Predictor.load(path.parent) is loaded
    Ensemble(first.ensemble.trunk, [], first.ensemble.card).write(path)
    assert Predictor.load(SHIPPED.name).ensemble.members == ()
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(NascError, match="cannot be read"):
        Predictor.load(SHIPPED.name)


def test_a_network_far_from_all_training_is_unknown(predictor: Predictor) -> None:
    b = Builder()
    x = b("relu", b("linear", b.input("x", f32(symbol("N"), 4)), out_features=8))
    (far, near) = predictor.predict([b.module(b("linear", x, out_features=2)), residual()])
    assert (far.in_domain, far.known) == (0, False)
    assert near.known


def test_the_task_is_a_condition_of_the_score(predictor: Predictor) -> None:
    (small,), (large,) = (predictor.predict([residual()], task) for task in ("cifar10", "imagenet"))
    assert (small.task, large.task) == ("cifar10", "imagenet")
    assert small.score != large.score
    assert predictor.predict([residual()]) == [small]


def test_an_unknown_task_names_the_nearest(predictor: Predictor) -> None:
    with pytest.raises(NascError) as error:
        predictor.predict([residual()], "imagenett")
    assert str(error.value) == "error: there is no task 'imagenett'\n  help: did you mean 'imagenet'?"
