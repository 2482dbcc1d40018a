"""Keras models in files, by name, and in Python files; and what is said of those that cannot be lowered."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
import torch
from keras import layers

from nasc.frontends import lower_source
from nasc.frontends.keras import lower_keras
from nasc.grammar import parse, print_module
from nasc.ir import NascError, digest, f32
from nasc.passes import network_digest
from nasc.tests.digests import keras_networks
from nasc.tests.digests.networks import NETWORKS

DIGESTS = Path(__file__).parent.parent / "digests"
# Keras saves tensors in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
MODEL = """\
import keras
from keras import layers

image = keras.Input((16, 16, 3), name="image")
stem = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem")
x = layers.Flatten(name="flat")(stem(image))
model = keras.Model(image, layers.Dense(4, name="head")(x))
"""
TEXT = """\
graph @main(%image: f32[N,3,16,16]) -> f32[N,4] {
  %stem.pad = pad %image {pad=[0, 1, 0, 1]} : f32[N,3,17,17] #stem
  %stem = conv2d %stem.pad {out_channels=8, kernel_size=3, stride=2} : f32[N,8,8,8] #stem
  %stem.relu = relu %stem : f32[N,8,8,8] #stem
  %flat.flatten = flatten %stem.relu {start_dim=1} : f32[N,512] #flat
  %head = linear %flat.flatten {out_features=4} : f32[N,4] #head
  return %head
}
"""


class Doubled(layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return x * 2


def small() -> Any:
    """Return a model with nothing special."""
    x = keras.Input((8, 8, 3), name="image")
    return keras.Model(x, layers.Conv2D(4, 3, name="conv")(x))


def refusal(source: str, *inputs: str) -> str:
    """Return what is said of a source that cannot be lowered."""
    with pytest.raises(NascError) as error:
        lower_source(source, inputs)
    return str(error.value)


def edited(path: Path, edit: Callable[[dict[str, bytes]], None]) -> str:
    """Write a good file after changing its parts, and return its path."""
    whole = path.with_name("whole.keras")
    small().save(whole)
    with zipfile.ZipFile(whole) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    edit(parts)
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return str(path)


def test_python_file(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    first, again = lower_source(str(path)), lower_source(f"{path}:model")
    assert print_module(first.module).split("\n", 2)[2].split("\n#")[0].rstrip() + "\n" == TEXT
    assert all(torch.equal(again.weights[key], value) for key, value in first.weights.items())
    (note,) = first.diagnostics
    assert note.render() == (
        "note: input image is channels-first: f32[N,3,16,16] where Keras takes [N,16,16,3]\n  help: permute it by 0312"
    )


def test_file_is_the_model_that_was_saved(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path / "model.keras")
    loaded, direct = lower_source(str(tmp_path / "model.keras")), lower_keras(model)
    assert digest(loaded.module) == digest(direct.module)
    assert all(torch.equal(loaded.weights[key], value) for key, value in direct.weights.items())


def test_model_by_name_at_its_size_and_another() -> None:
    module = lower_source("keras:MobileNetV3Small(classes=10, include_preprocessing=False)").module
    assert str(module.main.inputs[0].type) == "f32[N,3,224,224]"
    assert [node.op.name for node in module.main.nodes if node.op.name in ("permute", "transpose")] == []
    small = lower_source("keras:MobileNet(classes=10, alpha=0.25)", ["1x64x96x3"]).module
    assert str(small.main.inputs[0].type) == "f32[N,3,64,96]"


def test_open_sizes_are_given() -> None:
    x = keras.Input((None, None, 3), name="image")
    model = keras.Model(x, layers.Conv2D(2, 3, 2, padding="same")(x))
    assert str(lower_keras(model, [f32(1, 9, 12, 3)]).module.main.output_types[0]) == "f32[N,2,5,6]"
    with pytest.raises(NascError) as error:
        lower_keras(model, source="model.py")
    assert str(error.value) == (
        "error: the model takes [N,any,any,3] and leaves sizes open\n"
        "  help: say what it takes: nasc lower model.py --input 1x224x224x3"
    )
    with pytest.raises(NascError) as error:
        lower_keras(model, [f32(1, 9, 12, 4)])
    assert str(error.value) == (
        "error: the model takes [N,any,any,3], not f32[N,9,12,4]\n  help: axes are as Keras has them"
    )
    with pytest.raises(NascError) as error:
        lower_keras(model, [f32(1, 9, 12, 3)] * 2)
    assert str(error.value) == "error: the model takes 1 input, not 2\n  help: give --input once for each"


def test_own_layers_are_traced_with_a_warning(built: Callable[..., Any]) -> None:
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, Doubled(name="twice")(layers.Conv2D(4, 3)(x)))
    lowered = lower_keras(model)
    assert lowered.diagnostics[0].render() == (
        "warning: the model was traced by torch.export, its layers named as Keras's torch backend does: "
        "Doubled is not a layer that nasc knows\n"
        "  in layer twice\n"
        "  help: layers of Keras itself are lowered one by one"
    )
    image = torch.randn(2, 8, 8, 3)
    with torch.no_grad():
        assert torch.allclose(built(lowered)(image), model(image), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_digest_is_that_of_pytorch(name: str) -> None:
    written = parse((DIGESTS / f"{name}.nasc").read_text(encoding="utf-8"))
    assert network_digest(lower_keras(keras_networks.build(name)).module) == network_digest(written)


def test_code_in_a_file_is_refused_by_layer(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3), name="image")
    y = layers.Lambda(lambda t: t * 2, name="lam")(x)
    keras.Model(x, Doubled(name="twice")(y)).save(tmp_path / "own.keras")
    module = Doubled.__module__
    assert refusal(str(tmp_path / "own.keras")).replace(f" of {module}", "") == (
        "error: a Lambda layer holds Python code, which nasc does not run from a file\n"
        "  in layer lam\n"
        "  help: lower the code that builds the model, nasc lower model.py, or write it with keras.ops\n"
        "error: Doubled is a class of the model's own, which the file does not hold\n"
        "  in layer twice\n"
        "  help: lower the code that builds the model: nasc lower model.py"
    )


def foreign(parts: dict[str, bytes]) -> None:
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] |= {"module": "os", "class_name": "system"}
    parts["config.json"] = json.dumps(config).encode()


HELP = "\n  help: expected a file written by model.save('model.keras') of Keras 3"
DAMAGE: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "no config": (lambda parts: parts.pop("config.json"), "FILE holds no config.json" + HELP),
    "no weights": (lambda parts: parts.pop("model.weights.h5"), "FILE holds no model.weights.h5" + HELP),
    "not JSON": (
        lambda parts: parts.update({"config.json": b"{"}),
        "FILE: its config.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        + HELP,
    ),
    "no model": (lambda parts: parts.update({"config.json": b"[]"}), "FILE: its config.json describes no model" + HELP),
    "another module": (
        foreign,
        "system of os is a class of the model's own, which the file does not hold\n"
        "  in layer conv\n"
        "  help: lower the code that builds the model: nasc lower model.py",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_file(name: str, tmp_path: Path) -> None:
    edit, wanted = DAMAGE[name]
    path = edited(tmp_path / "bad.keras", edit)
    assert refusal(path).replace(path, "FILE") == f"error: {wanted}"


def test_damaged_weights(tmp_path: Path) -> None:
    path = edited(tmp_path / "bad.keras", lambda parts: parts.update({"model.weights.h5": b"not HDF5"}))
    said = refusal(path).replace(path, "FILE")
    assert said.startswith("error: FILE cannot be loaded: OSError: ")
    assert said.endswith(HELP)


def test_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "bad.keras"
    path.write_bytes(b"no zip")
    assert refusal(str(path)) == f"error: {path} is not a .keras file: File is not a zip file{HELP}"


def test_wrong_names() -> None:
    assert refusal("keras:MobilNetV2") == (
        "error: keras has no model 'MobilNetV2'\n  help: did you mean 'MobileNetV2'?"
    )
    assert refusal("keras:MobileNet(10)") == (
        "error: keras:MobileNet(10): arguments must be named\n  help: write keras:MobileNet(classes=10)"
    )
    said = refusal("keras:MobileNet(clases=10)")
    assert said.startswith("error: keras:MobileNet(clases=10) cannot be built: ")
    assert said.endswith("\n  help: the arguments are those of keras.applications.MobileNet")


def test_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert refusal("keras:MobileNet") == (
        "error: Keras runs on jax in this process\n"
        "  help: set KERAS_BACKEND=torch before keras is imported, and do not set another in the file; "
        "weights saved under any backend load"
    )
