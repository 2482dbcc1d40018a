"""Rules of the operators that one op says exactly: read off the ONNX facts of the op table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onnx import AttributeProto

from ....ir import OPS, OnnxNode, Op
from ..places import unsupported
from ..site import Site, Values, shortest


def _rule(cls: type[Op], fact: OnnxNode) -> Callable[[Site], Values]:
    def rule(site: Site) -> Values:
        attributes = {ours: _plain(site, theirs) for theirs, ours in fact.attributes if site.attribute(theirs)}
        return site.emit(cls.name, *site.values(), **attributes)

    return rule


def _plain(site: Site, name: str) -> object:
    found = site.attribute(name)
    assert found is not None
    if found.type == AttributeProto.FLOAT:
        return shortest(found.f)
    if found.type == AttributeProto.INT:
        return int(found.i)
    if found.type == AttributeProto.INTS:
        return tuple(found.ints)
    if found.type == AttributeProto.STRING:
        return found.s.decode("utf-8", "replace")
    raise unsupported(f"{site.op} has an attribute {name} of another type", "expected a number", "attribute")


RULES: Mapping[str, Callable[[Site], Values]] = {
    cls.onnx.type: _rule(cls, cls.onnx) for cls in OPS.values() if cls.onnx is not None
}
