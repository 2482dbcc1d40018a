"""Training on a small table: it learns, and goes on where it was killed with the same result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasc.ir import NascError
from nasc.predictor import Predictor, evaluate, slopes, train
from nasc.predictor.batch import collate
from nasc.predictor.datasets import Dataset, load
from nasc.predictor.encoder_fitting import Corpus, with_masked_nodes
from nasc.predictor.families import FAMILIES
from nasc.predictor.features import features
from nasc.predictor.fitting import error_left_out, split, trunk_of
from nasc.predictor.kinds import Kind
from nasc.predictor.statistics import NAMES
from nasc.predictor.targets import normal_scores
from nasc.predictor.training import Config
from nasc.tests.predictor.networks import residual

SMALL = Config(families=("nb101",), members=2, epochs=2, batch=32, width=8, layers=2, hidden=8, rate=1e-2, forests=1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "features"))


def test_it_learns_a_family_and_writes_what_it_did(tables: Path, tmp_path: Path) -> None:
    said: list[str] = []
    path = train(
        data_dir=tables,
        output=tmp_path,
        config=replace(SMALL, members=1, epochs=4),
        limit=200,
        on_event=said.append,
    )
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    predictor = Predictor.load(path)
    assert predictor.ensemble.card.recipe["networks"] == 200
    assert any("epoch 4/4" in line for line in said)
    scores = evaluate("nb101", data_dir=tables, limit=200, predictor=predictor)
    assert scores.count == 200
    assert scores.rankers["predictor"].spearman > 0.5


def test_a_killed_run_goes_on_to_the_same_weights(tables: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill_at(text: str) -> object:
        def watch(line: str) -> None:
            if text in line:
                raise Killed

        return watch

    straight = train(data_dir=tables, output=tmp_path / "straight", config=SMALL, limit=100)
    for point in ("member 1/2, epoch 1", "member 2/2, epoch 1"):
        with pytest.raises(Killed):
            train(
                data_dir=tables,
                output=tmp_path / "killed",
                config=SMALL,
                limit=100,
                on_event=kill_at(point),  # type: ignore[arg-type]
            )
    resumed = train(data_dir=tables, output=tmp_path / "killed", config=SMALL, limit=100)
    first, second = (Predictor.load(path).ensemble.members for path in (straight, resumed))
    for one, other in zip(first, second, strict=True):
        for key, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[key], value)


def test_checkpoints_of_other_slopes_flaws_or_statistics_are_not_gone_on_from(tables: Path) -> None:
    data = load("nb101", tables, 60)
    data = replace(data, x=np.random.default_rng(0).normal(size=data.x.shape))

    def key(**other: object) -> str:
        trunk = trunk_of([data], replace(SMALL, forests=0))
        return Corpus.of([replace(data, **other)], trunk).key(SMALL)  # type: ignore[arg-type]

    first = key()
    assert key() == first != key(x=data.x + 1e-3)
    for name, changed in (("FIXED", {"norm share": 0.6}), ("PENALTIES", {"linearity": 1.0}), ("RIDGE", 0.3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(slopes, name, changed)
            assert key() != first, name


def test_a_damaged_checkpoint_is_begun_anew(tables: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(line: str) -> None:
        if "epoch 1/2" in line:
            raise Killed

    config = replace(SMALL, members=1)
    straight = train(data_dir=tables, output=tmp_path / "straight", config=config, limit=60)
    for length in (0, -1):
        with pytest.raises(Killed):
            train(data_dir=tables, output=tmp_path / "cut", config=config, limit=60, on_event=kill)
        (checkpoint,) = (tmp_path / "cut").glob(".training-*/member0.safetensors")
        checkpoint.write_bytes(checkpoint.read_bytes()[:length])
    again = train(data_dir=tables, output=tmp_path / "cut", config=config, limit=60)
    assert again.read_bytes() == straight.read_bytes()
    assert [file.name for file in (tmp_path / "cut").iterdir()] == [again.name]


def test_two_processes_may_train_the_same_in_one_folder(tables: Path, tmp_path: Path) -> None:
    config = replace(SMALL, members=1)

    def meanwhile(line: str) -> None:
        if "epoch 1/2" in line:
            others.append(train(data_dir=tables, output=tmp_path, config=config, limit=60))

    others: list[Path] = []
    path = train(data_dir=tables, output=tmp_path, config=config, limit=60, on_event=meanwhile)
    assert others == [path]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_without_a_table_it_says_where_one_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NASC_DATA_DIR", raising=False)
    with pytest.raises(NascError, match="NASC_DATA_DIR"):
        train(output=tmp_path)
    with pytest.raises(NascError, match=r"nb101\.csv\.gz"):
        train(data_dir=tmp_path, output=tmp_path)


def test_an_unknown_family_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NascError, match="nb201"):
        evaluate("nb202", data_dir=tmp_path)


def test_what_one_family_is_trained_on_is_held_out_in_none(tables: Path) -> None:
    first = load("nb101", tables, 60).distinct()
    size = len(first.x)
    second = first.take(np.arange(size)[::-1])
    held, parts = split([first, second])
    assert [len(part.x) for part in parts] == [size - size // 10] * 2
    assert [len(data.x) for data in held] == [0, 0]
    held, parts = split([first, second.take(np.arange(size // 2))])
    assert held[0].digests.tolist() == first.digests[: size // 10].tolist()


def test_a_family_is_left_out_together_with_those_of_its_space() -> None:
    def named(name: str, sign: int) -> Dataset:
        x = np.random.default_rng(0).normal(size=(60, len(NAMES)))
        labels = sign * x[:, [NAMES.index("log10 params")]]
        return Dataset(FAMILIES[name], [], x, np.array([], dtype=np.str_), labels, labels)

    other = named("ofa", 1)
    apart = error_left_out([named("timm", -1), named("accel", -1), other], SMALL)
    assert error_left_out([named("timm", -1), named("torchvision", -1), other], SMALL) > 1.05 * apart


def test_masked_nodes_go_between_the_ends_of_edges() -> None:
    batch = collate([features(residual()), features(residual(1, 1))])
    full = with_masked_nodes(batch, 1.0, torch.Generator().manual_seed(0))
    edges = len(batch.source)
    assert (full.kinds[len(batch.kinds) :] == int(Kind.MASKED)).all()
    assert len(full.kinds) == len(batch.kinds) + edges
    first = dict(zip(full.source[edges:].tolist(), full.target[edges:].tolist(), strict=True))
    joined = {(s, first[t]) for s, t in zip(full.source[:edges].tolist(), full.target[:edges].tolist(), strict=True)}
    assert joined == set(zip(batch.source.tolist(), batch.target.tolist(), strict=True))
    assert (full.graph[full.source] == full.graph[full.target]).all()


def test_targets_keep_the_order_and_share_ties() -> None:
    values = np.array([0.9, 0.5, 0.7, 0.7, 0.99])
    targets = normal_scores(values)
    assert list(np.argsort(targets, kind="stable")) == list(np.argsort(values, kind="stable"))
    assert targets[2] == targets[3]
    assert normal_scores(values * 100 - 7).tolist() == targets.tolist()


def test_a_part_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NascError) as error:
        train(output=tmp_path, without=["tree"])
    assert str(error.value) == "error: there is no part 'tree' to leave out\n  help: did you mean 'trees'?"


def test_a_handful_of_networks_is_too_few(tables: Path, tmp_path: Path) -> None:
    with pytest.raises(NascError) as error:
        train(data_dir=tables, output=tmp_path, config=SMALL, limit=3)
    assert str(error.value) == (
        "error: nb101 is too small to train on: 3 networks that differ\n"
        "  help: take 10 or more of each family, with a larger --limit or whole tables"
    )


def test_a_place_that_is_no_folder_is_said_before_anything_is_trained(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NascError) as error:
        train(data_dir=tables, output=tmp_path / "file", config=SMALL, on_event=pytest.fail)
    text = f"error: {tmp_path / 'file'}: cannot be written: File exists\n  help: name a folder with --output FOLDER"
    assert str(error.value) == text


def test_no_family_of_a_task_is_said(tmp_path: Path) -> None:
    with pytest.raises(NascError) as error:
        train(output=tmp_path, task="imagenet", config=SMALL)
    text = "error: no family to train on knows the task 'imagenet'\n  help: leave --task out to train on all"
    assert str(error.value) == text


def test_a_family_without_accuracies_in_a_task_names_its_own(tmp_path: Path) -> None:
    with pytest.raises(NascError) as error:
        evaluate("nb201", task="imagenet", data_dir=tmp_path)
    text = "error: nb201 has no accuracies in 'imagenet'\n  help: it has cifar10, cifar100, imagenet16"
    assert str(error.value) == text


def test_parts_left_out_are_not_in_the_file(tables: Path, tmp_path: Path) -> None:
    path = train(data_dir=tables, output=tmp_path, config=SMALL, limit=60, without=["trees", "encoder"])
    ensemble = Predictor.load(path).ensemble
    assert (ensemble.trunk.forests, ensemble.members) == ((), ())
    assert len(Predictor.load(path).predict([residual()])) == 1
