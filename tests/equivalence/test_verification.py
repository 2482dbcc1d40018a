"""Certificates: what equal models get, what different ones get, and what is said where two cannot be compared."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from nasc.backends import emit_onnx, instantiate, write_onnx
from nasc.backends.instances import tensors_of
from nasc.equivalence import Certificate, Options, as_data, as_text, verify
from nasc.frontends import Lowered, lower, write_weights
from nasc.grammar import parse
from nasc.ir import Module, NascError

TEXT = """\
nasc 1

graph @main(%x: f32[N,3,8,8]) -> f32[N,5] {
  %conv = conv2d %x {out_channels=4, kernel_size=3, padding=1} #conv
  %bn = batch_norm %conv #bn
  %act = relu %bn
  %drop = dropout %act {p=0.3} #drop
  %pool = mean %drop {dim=[2, 3]}
  %head = linear %pool {out_features=5} #head
  return %head
}

%conv = "net.py":7:9
%act = "net.py":9:13
%head = "net.py":12:9
"""
QUICK = Options(batches=(2,), seeds=1)


def net(*changes: tuple[str, str]) -> Module:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text)


class Net(nn.Module):
    """What ``TEXT`` says, as a person writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.drop(self.bn(self.conv(x)).relu())
        result: torch.Tensor = self.head(x.mean((2, 3)))
        return result


def rows(certificate: Certificate) -> list[tuple[str, str, int]]:
    """Return mode and kind of all checks with how many there are."""
    found: dict[tuple[str, str], int] = {}
    for check in certificate.checks:
        found[check.mode, check.kind] = found.get((check.mode, check.kind), 0) + 1
    return [(*key, count) for key, count in found.items()]


def fails(a: object, b: object, **options: object) -> str:
    with pytest.raises(NascError) as caught:
        verify(a, b, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_module_and_its_ir_are_equal_in_every_mode() -> None:
    torch.manual_seed(1)
    model = Net().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    certificate = verify(model, net(), torch.randn(1, 3, 8, 8), options=Options(batches=(1, 3), seeds=2))
    assert certificate.equal
    assert certificate.same_structure
    assert certificate.weights == "A's into B: 8 tensors by key, 4 of which it had otherwise"
    assert rows(certificate) == [
        ("eval", "output", 6),
        ("eval", "gradient", 12),
        ("train", "output", 2),
        ("train", "gradient", 12),
        ("train", "buffer", 6),
    ]
    assert max(check.error for check in certificate.checks) < 1e-5
    assert certificate.notes == ("from the second seed on, noise is added to the weights of both",)
    assert model.training
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())


def test_an_onnx_model_is_run_by_onnxruntime() -> None:
    module = net()
    model = emit_onnx(module, tensors_of(instantiate(module, seed=3)))
    certificate = verify(module, model)
    assert certificate.equal
    assert certificate.b.how.startswith("run by onnxruntime 1.")
    assert certificate.weights == "B's into A: 8 tensors by key, 4 of which it had otherwise"
    assert certificate.untested == (
        f"gradients and training mode: B is {certificate.b.how}",
        "other weights than these",
    )


def test_the_text_of_a_certificate(tmp_path: Path) -> None:
    same, other = tmp_path / "a.nasc", tmp_path / "b.nasc"
    same.write_text(TEXT)
    other.write_text(TEXT.replace("relu %bn", "leaky_relu %bn {negative_slope=0.5}"))
    certificate = verify(str(same), str(other), options=QUICK)
    lines = as_text(certificate).replace(f"{tmp_path}/", "").splitlines()
    errors = [line.split("largest error ")[1][:7] for line in lines if "largest error" in line]
    fault = next(line for line in lines if line.startswith("    error"))
    assert [line if "error" not in line else line.split(" error ")[0] for line in lines] == [
        "tested: different",
        "  A          a.nasc  run as the PyTorch that nasc emits; 153 weights",
        "  B          b.nasc  run as the PyTorch that nasc emits; 153 weights",
        "  structure  two networks: see nasc diff A B",
        "  weights    A's into B: 8 tensors by key, which it had already",
        "  inputs     x: f32[N,3,8,8], normal numbers",
        "             batch 2; 1 seed",
        "  eval       1 output in 1 run: float32, largest",
        "  train      1 output in 1 run: float32, largest",
        "  first difference: relu %act",
        "    A  %act = relu [2, 4, 8, 8], at net.py:9:13",
        "    B  %act = leaky_relu {negative_slope=0.5} [2, 4, 8, 8], at net.py:9:13",
        "   ",
        "    B against A: changed leaky_relu %act: op relu -> leaky_relu negative_slope=0.5",
    ]
    assert all(float(number) > 1e-4 for number in errors)
    assert fault.endswith("1e-04 allowed; 2 equal values before it")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("batch_norm %conv", "batch_norm %conv {eps=0.1}"), "batch_norm bn"),
        (("padding=1}", "padding=1, dilation=1, groups=1}"), ""),
        (("dim=[2, 3]", "dim=[2, 3], keepdim=false"), ""),
        (("mean %drop", "amax %drop"), "adaptive_avg_pool2d %pool.pool"),
    ],
)
def test_the_first_node_that_differs_is_named(change: tuple[str, str], place: str) -> None:
    certificate = verify(net(), net(change), options=QUICK)
    assert certificate.equal == (not place)
    assert (certificate.fault.message if certificate.fault else "") == place


def test_a_difference_of_training_alone_is_found() -> None:
    certificate = verify(net(), net(("p=0.3", "p=0.6")), options=QUICK)
    failed = {(check.mode, check.kind) for check in certificate.checks if not check.passed}
    assert failed == {("train", "output")}
    assert certificate.fault is not None
    assert certificate.fault.message == "dropout drop"


def test_weights_of_other_names_follow_the_structure() -> None:
    renamed = net(("#conv", "#stem.0"), ("#bn", "#stem.1"), ("#head", "#fc"))
    certificate = verify(net(), renamed, options=QUICK)
    assert certificate.equal
    assert certificate.weights == "A's into B: 8 tensors by matched layers, as the keys differ"
    assert ("train", "gradient", 6) in rows(certificate)


def test_weights_from_files(tmp_path: Path) -> None:
    path = str(tmp_path / "w.safetensors")
    write_weights(path, tensors_of(instantiate(net(), seed=9)))
    certificate = verify(net(), net(), options=QUICK, weights_a=path)
    assert certificate.weights == "A's into B: 8 tensors by key, 4 of which it had otherwise"
    own = verify(net(), net(), options=QUICK, weights_a=path, weights_b=path)
    assert (own.equal, own.weights) == (True, "each its own")
    other = str(tmp_path / "v.safetensors")
    write_weights(other, tensors_of(instantiate(net(), seed=8)))
    apart = verify(net(), net(), options=QUICK, weights_a=path, weights_b=other)
    assert not apart.equal
    assert apart.fault is not None
    assert apart.fault.message == "conv2d conv"


def test_a_damaged_onnx_weight_is_found_at_its_layer() -> None:
    module = net()
    weights = tensors_of(instantiate(module))
    good = emit_onnx(module, weights)
    weights["bn.running_mean"] += 1
    certificate = verify(good, emit_onnx(module, weights))
    assert certificate.fault is not None
    assert certificate.fault.message == "batch_norm bn"
    assert "%bn = batch_norm" in certificate.fault.b


def test_noise_shows_what_fresh_weights_hide() -> None:
    """Fresh running means are zero, so that leaving them out changes nothing until they have moved."""
    hidden = net(("batch_norm %conv", "batch_norm %conv {eps=1e-5}"))
    scaled = """\
nasc 1

graph @main(%x: f32[N,4]) -> f32[N,4] {
  %gamma = parameter {key="gamma", shape=[4]}
  %sum = SUM
  return %sum
}
"""
    once, twice = (parse(scaled.replace("SUM", text)) for text in ("add %x, %gamma", "sub %x, %gamma"))
    zeros = {"gamma": torch.zeros(4)}
    assert verify(net(), hidden, options=QUICK).equal
    quick = Options(batches=(2,), seeds=1, train=False)
    assert verify(Lowered(once, zeros), Lowered(twice, zeros), options=quick).equal
    noisy = Options(batches=(2,), seeds=2, train=False)
    assert not verify(Lowered(once, zeros), Lowered(twice, zeros), options=noisy).equal


class Halved(Net):
    """A layer that computes otherwise under onnx or torch.export than as itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = 1.0 if torch.compiler.is_exporting() else 0.5
        return super().forward(x * scale)


def test_a_model_that_is_not_what_it_was_lowered_to() -> None:
    certificate = verify(Halved(), net(), torch.randn(1, 3, 8, 8), options=QUICK)
    assert certificate.fault is not None
    assert certificate.fault.message == "A itself is not what it was lowered to, from layer conv on"


class Normed(nn.Module):
    """A bias in front of a norm: its gradient is nothing but rounding, large since the inputs are small."""

    def __init__(self, stopped: bool = False) -> None:
        super().__init__()
        self.conv, self.norm, self.stopped = nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, eps=1e-12, affine=True), stopped

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(self.conv(x * 1e-4))
        stopped: torch.Tensor = y.detach() if self.stopped else y
        return y + 0.01 * stopped


@pytest.mark.parametrize("stopped", [False, True])
def test_gradients_of_rounding_are_equal_and_others_are_not(stopped: bool) -> None:
    torch.manual_seed(0)
    model, x = Normed(stopped), torch.randn(2, 3, 24, 24)
    certificate = verify(model, lower(model, x), x, options=Options(batches=(2,), seeds=1))
    differ = {(check.mode, check.name) for check in certificate.checks if not check.passed}
    shown = {"conv.weight", "norm.weight", "norm.bias"} if stopped else set[str]()
    assert differ == {(mode, name) for mode in ("eval", "train") for name in shown}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


class Inferring(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            raise RuntimeError("made for inference")
        return super().forward(x)


def test_training_mode_that_the_first_model_refuses_is_not_tested() -> None:
    certificate = verify(Inferring(), Inferring(), torch.randn(1, 3, 8, 8), options=QUICK)
    assert certificate.equal
    assert certificate.untested == ("training mode: A does not run in it: RuntimeError: made for inference",)


def test_a_second_model_that_does_not_run_is_different() -> None:
    certificate = verify(Net(), Inferring(), torch.randn(1, 3, 8, 8), options=QUICK)
    notes = [check.note for check in certificate.checks if not check.passed]
    assert notes == ["B does not run: RuntimeError: made for inference"]
    assert not certificate.equal


def test_other_inputs() -> None:
    more = net(("%x: f32[N,3,8,8])", "%x: f32[N,3,8,8], %y: f32[N,2])"))
    assert fails(net(), more) == (
        "error: A takes 1 input (x: f32[N,3,8,8]) but B takes 2 inputs (x: f32[N,3,8,8], y: f32[N,2])\n"
        "  help: expected two models with the same inputs"
    )
    assert fails(net(), net(("%x: f32[N,3,8,8]", "%x: f32[N,3,9,9]"))) == (
        "error: A takes x: f32[N,3,8,8] but B takes x: f32[N,3,9,9]\n"
        "  help: give both the same shape with --input, or build them alike"
    )


def test_a_fixed_batch_is_the_only_one_run() -> None:
    certificate = verify(net(), net(("f32[N,3,8,8]", "f32[4,3,8,8]"), ("f32[N,5]", "f32[4,5]")))
    assert {check.batch for check in certificate.checks} == {4}
    assert certificate.inputs == ("x: f32[4,3,8,8], normal numbers", "batch 4; 2 seeds")


def test_other_outputs() -> None:
    two = net(("-> f32[N,5]", "-> (f32[N,5], f32[N,4])"), ("return %head", "return %head, %pool"))
    certificate = verify(net(), two, options=QUICK)
    assert certificate.checks[0].note == "A has 1 output and B 2"
    flat = net(
        ("dim=[2, 3]", "dim=[2, 3], keepdim=true"),
        ("%head = linear %pool", "%flat = flatten %pool {start_dim=1}\n  %head = linear %flat"),
    )
    assert verify(net(), flat, options=QUICK).equal


def test_weights_that_do_not_fit_name_the_layer_and_what_would_do() -> None:
    wide = net(("out_features=5", "out_features=6"), ("-> f32[N,5]", "-> f32[N,6]"))
    assert fails(net(), wide) == (
        "error: weight head.weight is [5,4] in A and [6,4] in B\n"
        "  in %head, layer head, at net.py:12:9\n"
        "  help: give B weights of its own with --weights-b\n"
        "error: weight head.bias is [5] in A and [6] in B\n"
        "  in %head, layer head, at net.py:12:9\n"
        "  help: give B weights of its own with --weights-b"
    )
    deep = net(
        ("%act = relu %bn", "%more = conv2d %bn {out_channels=4, kernel_size=1, bias=false} #more\n  %act = relu %more")
    )
    assert fails(net(), deep) == (
        "error: A has no weight more.weight [4,4,1,1] for B\n"
        "  in %more, layer more\n"
        "  help: give B weights of its own with --weights-b"
    )


class Computing(nn.Module):
    """Weights that reading ONNX computes with (negated, sliced, spread over axes), and a head that nothing reads."""

    def __init__(self) -> None:
        super().__init__()
        self.decay = nn.Parameter(torch.randn(6))
        self.pos = nn.Parameter(torch.randn(1, 9, 6))
        self.norm = nn.GroupNorm(1, 5)
        self.aux = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.norm((x + self.pos[:, :5]) * -self.decay.exp())
        return result


def test_weights_that_an_onnx_model_computes_with_are_taken_as_the_file_holds_them() -> None:
    torch.manual_seed(2)
    lowered = lower(Computing(), torch.randn(1, 5, 6))
    torch.manual_seed(3)
    certificate = verify(Computing(), emit_onnx(lowered.module, lowered.weights), torch.randn(1, 5, 6), options=QUICK)
    assert certificate.equal
    assert certificate.weights == "B's into A: 4 tensors by key, 2 of which it had otherwise"


def test_an_onnx_file_takes_no_weights(tmp_path: Path) -> None:
    path = str(tmp_path / "net.onnx")
    write_onnx(path, net())
    assert fails(path, net(), weights_a="w.safetensors") == (
        f"error: {path} holds its own weights\n  help: leave its --weights option out"
    )
    assert fails(str(tmp_path / "none.onnx"), net()).startswith(f"error: there is no file {tmp_path}/none.onnx\n")
    (tmp_path / "bad.onnx").write_text("no model")
    assert fails(str(tmp_path / "bad.onnx"), net()).startswith("error: onnxruntime cannot load ")


def test_integer_inputs_stay_inside_their_tables() -> None:
    text = """\
nasc 1

graph @main(%x: i64[N,6]) -> f32[N,3] {
  %table = embedding %x {num_embeddings=9, embedding_dim=4} #table
  %pool = mean %table {dim=1}
  %head = linear %pool {out_features=3} #head
  return %head
}
"""
    certificate = verify(parse(text), parse(text), options=QUICK)
    assert certificate.equal
    assert certificate.inputs[0] == "x: i64[N,6], whole numbers below 9"


def test_the_data_of_a_certificate_is_plain() -> None:
    data = json.loads(json.dumps(as_data(verify(net(), net(), options=QUICK))))
    assert (data["verdict"], data["same_structure"], data["fault"]) == ("tested: equal", True, None)
    assert all(check["passed"] for check in data["checks"])
