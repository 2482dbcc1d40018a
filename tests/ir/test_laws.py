"""Laws over the whole op table: a new op is tested by having a sample."""

from itertools import product
from types import ModuleType
from typing import Any

import pytest

from nasc.backends import emit_torch
from nasc.ir import (
    FAMILIES,
    OPS,
    CallBlock,
    DType,
    Op,
    TensorType,
    arity,
    attributes_of,
    build,
    defaults_of,
    evaluate,
    symbol,
)
from nasc.ir.ops.rules import promote
from nasc.tests.ir.samples import Sample, samples

pytest.importorskip("torch", reason="torch is not installed")
import torch

OPS_OF_TABLE = [cls for cls in OPS.values() if cls is not CallBlock]


def test_every_op_has_a_sample() -> None:
    assert {sample.node.op.name for sample in samples()} == {cls.name for cls in OPS_OF_TABLE}


@pytest.mark.parametrize("cls", OPS_OF_TABLE, ids=lambda cls: cls.name)
def test_every_op_is_documented_and_named_by_its_class(cls: type[Op]) -> None:
    assert (cls.__doc__ or "").strip().endswith(".")
    assert cls.name.replace("_", "") == cls.__name__.lower()
    assert OPS[cls.name] is cls


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_family_says_what_it_holds(family: ModuleType) -> None:
    assert (family.__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_stated_attributes_make_the_op_again(sample: Sample) -> None:
    op = sample.node.op
    again = build(type(op), op.stated())
    assert again == op
    assert hash(again) == hash(op)
    assert op.replace() == op
    assert op.substitute({"N": 3}) is op


@pytest.mark.parametrize("cls", OPS_OF_TABLE, ids=lambda cls: cls.name)
def test_defaults_are_in_stored_form(cls: type[Op]) -> None:
    kinds = attributes_of(cls)
    for name, value in defaults_of(cls).items():
        assert kinds[name].check(name, value) == value


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_macs_and_state_are_counted(sample: Sample) -> None:
    node = sample.node
    types = sample.module.main.value_types()
    operands = tuple(types[name] for name in node.operands)
    macs = node.op.macs(operands, node.types)
    assert isinstance(macs, int)
    assert macs >= 0
    least, most = arity(type(node.op))
    assert least <= len(operands) <= (most or len(operands))
    slots = node.op.state(operands)
    assert len({slot.name for slot in slots}) == len(slots)


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_a_symbolic_batch_gives_the_same_types(sample: Sample) -> None:
    """Sizes of 2 in the first axis become N; where the op accepts that, its result at N=2 is the sample's."""
    node = sample.node
    types = sample.module.main.value_types()
    operands = tuple(types[name] for name in node.operands)
    open_batch = tuple(t.with_shape(symbol("N"), *t.shape[1:]) if t.rank and t.shape[0] == 2 else t for t in operands)
    if open_batch == operands or node.op.name == "reshape":
        pytest.skip("the sample has no batch axis")
    assert tuple(t.substitute({"N": 2}) for t in node.op.infer(open_batch)) == node.types


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_types_are_those_of_torch(sample: Sample) -> None:
    """The emitted module, run on meta tensors, gives the shapes and dtypes that were inferred."""
    names: dict[str, Any] = {}
    exec(compile(emit_torch(sample.module), "emitted.py", "exec"), names)  # noqa: S102 - emitted by us
    with torch.device("meta"):
        operands = [
            torch.empty([evaluate(size) for size in value.type.shape], dtype=_dtype(value.type.dtype))
            for value in sample.module.main.inputs
        ]
        result = names["build_model"]().eval()(*operands)
    results = result if isinstance(result, (tuple, list)) else (result,)
    assert [(tuple(r.shape), r.dtype) for r in results] == [(t.shape, _dtype(t.dtype)) for t in sample.node.types]


def _dtype(dtype: DType) -> torch.dtype:
    names = {"f": "float", "i": "int", "u": "uint", "c": "complex", "bf": "bfloat"}
    letters = dtype.value.rstrip("0123456789")
    found: torch.dtype = getattr(torch, names.get(letters, letters) + dtype.value[len(letters) :])
    return found


KINDS = {
    DType.F64: torch.float64,
    DType.F32: torch.float32,
    DType.F16: torch.float16,
    DType.BF16: torch.bfloat16,
    DType.I64: torch.int64,
    DType.I32: torch.int32,
    DType.I8: torch.int8,
    DType.BOOL: torch.bool,
}


def tensor(dtype: DType, *shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=KINDS[dtype])


def test_operands_of_two_dtypes_give_what_torch_makes_of_them() -> None:
    for a, b in product(KINDS, KINDS):
        for left, right in (((3,), (3,)), ((3,), ()), ((), (3,)), ((), ())):
            made = torch.result_type(tensor(a, *left), tensor(b, *right))
            assert tensor(promote(TensorType(a, left), TensorType(b, right))).dtype == made, (a, left, b, right)


def test_numbers_that_bound_integers_give_what_torch_makes_of_them() -> None:
    for dtype, number in product((DType.I64, DType.I32, DType.BOOL, DType.F16), (1, 0.5)):
        (made,) = OPS["clamp"](min=number).infer((TensorType(dtype, (3,)),))
        assert tensor(made.dtype).dtype == torch.clamp(tensor(dtype, 3), min=number).dtype


@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_windows_rounded_up_are_counted_alike_with_open_sizes(kernel: int) -> None:
    for stride, padding, size in product((1, 2, 3, 4), range(kernel // 2 + 1), range(3, 9)):
        pool = OPS["max_pool1d"](kernel_size=kernel, stride=stride, padding=padding, ceil_mode=True)
        (open_size,) = pool.infer((TensorType(DType.F32, (1, 1, symbol("L"))),))
        made = torch.nn.functional.max_pool1d(torch.zeros(1, 1, size), kernel, stride, padding, ceil_mode=True)
        assert open_size.substitute({"L": size}).shape == made.shape
