"""Damaged and hostile files: each ends in an error that names the file and the node, and takes little memory."""

import resource
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from nasc.frontends import lower_onnx
from nasc.frontends.onnx.reading import parse_model
from nasc.ir import NascError
from nasc.tests.frontends_onnx.models import model

node = helper.make_node
RELU = node("Relu", ["x"], ["y"], name="act")
WEIGHT = np.ones((4, 3, 3, 3), np.float32)


def refusal(proto: ModelProto | bytes, folder: Path) -> NascError:
    """The error that a file ends in."""
    file = folder / "model.onnx"
    file.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    with pytest.raises(NascError) as caught:
        lower_onnx(file)
    assert all(d.where is not None and d.where.file == str(file) for d in caught.value.diagnostics)
    return caught.value


def messages(proto: ModelProto | bytes, folder: Path) -> list[tuple[str, str]]:
    return [(d.message, d.hint) for d in refusal(proto, folder).diagnostics]


def tensor(dims: list[int], raw: bytes, kind: int = TensorProto.FLOAT) -> TensorProto:
    return TensorProto(name="w", data_type=kind, dims=dims, raw_data=raw)


def external(**entries: str) -> TensorProto:
    made = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        made.external_data.add(key=key, value=value)
    return made


def with_weight(weight: TensorProto) -> ModelProto:
    proto = model([node("Add", ["x", "w"], ["y"], name="sum")])
    proto.graph.initializer.append(weight)
    return proto


@pytest.mark.parametrize(
    ("weight", "message", "hint"),
    [
        (
            tensor([2**40, 2**20], b"\0" * 8),
            f"initializer 'w' claims f32[{2**40},{2**20}], {2**62} bytes, but has 8",
            "the file may be cut short or damaged",
        ),
        (tensor([-1], b""), "initializer 'w' has the shape [-1]", "expected at most 32 sizes >= 0"),
        (
            tensor([1], b"\0", TensorProto.UINT16),
            "initializer 'w' has elements of type uint16, which nasc has not",
            "expected one of: bf16, bool, c64, f16, f32, f64, i16, i32, i64, i8, u8",
        ),
        (
            tensor([1], b"\0", 99),
            "initializer 'w' has elements of type number 99, which nasc has not",
            "expected one of: bf16, bool, c64, f16, f32, f64, i16, i32, i64, i8, u8",
        ),
        (
            external(location="../secret.bin"),
            "initializer 'w' has its data in '../secret.bin', outside the model's folder",
            "external data must be a file below the folder of the model",
        ),
        (
            external(location="/etc/hostname"),
            "initializer 'w' has its data in '/etc/hostname', outside the model's folder",
            "external data must be a file below the folder of the model",
        ),
        (
            external(location="link.bin"),
            "initializer 'w' has its data in 'link.bin', outside the model's folder",
            "external data must be a file below the folder of the model",
        ),
        (
            external(location="absent.bin"),
            "initializer 'w' has its data in 'absent.bin', which is not there",
            "put the file beside the model; it holds its weights",
        ),
        (
            external(location="short.bin"),
            "initializer 'w' claims 16 bytes at 0 of short.bin, which has 6",
            "the file may be cut short",
        ),
        (
            external(location="short.bin", length=str(2**31)),
            f"initializer 'w' claims f32[4], 16 bytes, but has {2**31}",
            "the file may be cut short or damaged",
        ),
        (
            external(location="short.bin", offset="-4"),
            "initializer 'w' has its data at offset '-4'",
            "expected a number >= 0",
        ),
    ],
)
def test_a_tensor_that_is_not_what_it_claims(weight: TensorProto, message: str, hint: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"\0" * 16)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "short.bin").write_bytes(b"\0" * 6)
    assert messages(with_weight(weight), folder) == [(message, hint)]


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    numbers = np.arange(4, dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(b"\0" * 8 + numbers.tobytes())
    file = tmp_path / "model.onnx"
    proto = with_weight(external(location="w.bin", offset="8", length="16"))
    proto.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 4
    file.write_bytes(proto.SerializeToString())
    assert lower_onnx(file).weights["w"].tolist() == [0, 1, 2, 3]
    with pytest.raises(NascError, match="beside the file of the model"):
        lower_onnx(with_weight(external(location="w.bin")))


def test_bytes_that_are_no_model(tmp_path: Path) -> None:
    whole = model([node("Conv", ["x", "w"], ["y"])], {"w": WEIGHT}).SerializeToString()
    for data in (b"", b"not a model", whole[:-20], whole[: len(whole) // 2], b"\x0a" * 1000):
        (found,) = refusal(data, tmp_path).diagnostics
        assert found.message.startswith("not an ONNX model: ")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    data = model([RELU]).SerializeToString().replace(b"Relu", b"Re\xff\xff")
    assert messages(data, tmp_path) == [("the name b'Re\\xff\\xff' is not text", "the file may be damaged")]


def test_cycles_and_missing_values_are_all_named(tmp_path: Path) -> None:
    nodes = [
        node("Add", ["x", "b"], ["a"], name="first"),
        node("Relu", ["a"], ["b"], name="second"),
        node("Conv", ["b", "wieght"], ["y"], name="conv"),
        node("Relu", ["x"], ["y"], name="again"),
    ]
    assert messages(model(nodes, {"weight": WEIGHT}), tmp_path) == [
        ("node first reads 'b' before it is made", "nodes must stand in order; a cycle has none"),
        ("node conv reads 'wieght', which nothing makes", "did you mean 'weight'?"),
        ("node again makes 'y', which is there already", "give each value its own name"),
    ]


def test_unknown_operators_are_listed_at_once_with_their_nodes(tmp_path: Path) -> None:
    nodes = [
        node("Frobnicate", ["x"], ["a"], name="f1"),
        node("Frobnicate", ["a"], ["b"], name="f2"),
        node("Relu", ["b"], ["c"]),
        node("Twiddle", ["c"], ["d"], domain="com.example"),
        node("NonZero", ["d"], ["y"], name="places"),
    ]
    hint = "write it with operators that nasc has, or as a function of the model"
    assert messages(model(nodes), tmp_path) == [
        ("nasc has no op for Frobnicate (2 times): f1, f2", hint),
        ("nasc has no op for com.example.Twiddle: Twiddle number 3 -> d", hint),
        ("nasc has no op for NonZero: places", hint),
    ]


def test_sizes_that_data_would_decide(tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], ["s"], to=7), node("Reshape", ["x", "s"], ["y"], name="view")]
    (found,) = refusal(model(nodes), tmp_path).diagnostics
    assert found.node == "view"
    assert found.message == "Reshape depends on the values of 's', input 1, which are computed from data"
    assert found.hint == "the architecture must not depend on data: make it an initializer"


@pytest.mark.parametrize(
    ("version", "message", "hint"),
    [
        (
            11,
            "the model uses opset 11, and Dropout changed since then",
            "expected 13 to 28; onnx.version_converter.convert_version brings it to 13",
        ),
        (99, "the model uses opset 99", "expected 13 to 28; a newer onnx may know it"),
    ],
)
def test_opsets_that_are_not_known(version: int, message: str, hint: str, tmp_path: Path) -> None:
    proto = model([node("Dropout", ["x"], ["y"])], opset=version)
    ((said, helped),) = messages(proto, tmp_path)
    assert said == message
    assert helped.split(";")[-1] == hint.split(";")[-1]


def test_an_old_opset_is_read_where_nothing_changed() -> None:
    proto = model([node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1])], opset=9)
    proto.opset_import[0].version = 9
    (found,) = [one.op.name for one in lower_onnx(_sealed("Not", proto)).module.main.nodes]
    assert found == "logical_not"


def _sealed(op: str, proto: ModelProto) -> ModelProto:
    proto.graph.node[0].CopyFrom(node(op, ["x"], ["y"]))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.BOOL
    return proto


def test_functions_that_call_themselves_and_bombs_of_functions(tmp_path: Path) -> None:
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    own = helper.make_function("own", "F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="own")], imports)
    (found,) = refusal(model([node("F", ["x"], ["y"], domain="own")], functions=[own]), tmp_path).diagnostics
    assert found.message == "functions call each other deeper than 48, or in a circle: F"
    bombs = [
        helper.make_function(
            "own",
            f"F{level}",
            ["a"],
            ["b"],
            [*(_applied(level, i) for i in range(9)), node("Neg", ["v0"], ["b"])],
            imports,
        )
        for level in range(10)
    ]
    (found,) = refusal(model([node("F0", ["x"], ["y"], domain="own")], functions=bombs), tmp_path).diagnostics
    assert found.message == "the model has 3922632451 nodes"


def _applied(level: int, i: int) -> NodeProto:
    """One of the nine calls of the next level; the last level has none."""
    return node(f"F{level + 1}" if level < 9 else "Neg", ["a"], [f"v{i}"], domain="own" * (level < 9))


def test_sizes_that_no_memory_holds_are_never_made(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    huge = np.array([2**20, 2**20, 2**10])
    lowered = lower_onnx(
        model(
            [node("ConstantOfShape", ["s"], ["z"]), node("Expand", ["x", "s"], ["w"]), node("Add", ["z", "w"], ["y"])],
            {"s": huge},
            shape=[1, 1, 1],
        )
    )
    assert lowered.module.main.nodes[0].op.name == "full"
    wide = model([node("Relu", ["x"], ["y"])], shape=[2**62, 3])
    assert messages(wide, tmp_path) == [(f"input 'x' has an axis of {2**62}", f"expected at most {2**40}")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_parsing_is_public_for_bytes() -> None:
    assert parse_model(model([RELU]).SerializeToString(), "here").graph.node[0].name == "act"


def test_a_weight_of_another_shape_names_the_node(tmp_path: Path) -> None:
    proto = model([node("Conv", ["x", "w"], ["y"], name="stem")])
    proto.graph.initializer.append(numpy_helper.from_array(np.ones((4, 2, 3, 3), np.float32), "w"))
    (found,) = refusal(proto, tmp_path).diagnostics
    assert (found.node, found.message) == ("stem", "conv2d is given f32[4,2,3,3] as weight")
