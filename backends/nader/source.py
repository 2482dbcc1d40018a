"""Modules as NADER text: a section a block, and one for the skeleton where the entry is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...grammar.nader import parse_nader
from ...grammar.nader.blocks import Role, role_of
from ...grammar.nader.skeleton import TITLE, Skeleton, network
from ...ir import CallBlock, Diagnostic, Graph, Loc, Module, NascError, Node, callees, checked, digest, symbols_of
from .opening import variables_of
from .spelling import Types, crop_axes, spelled

_HINT = "see docs/nader.md for what the language can say"


def emit_nader(module: Module) -> str:
    """Return the text of a module in the block language of NADER.

    Every graph becomes a block for all C, H and W, also where its input has numbers for them; an entry that calls
    others must be a skeleton. Raises NascError with every reason why the language cannot say it, each at its node.
    """
    typed = checked(module)
    stacked = bool(callees(typed.main))
    blocks = [graph for graph in typed.graphs if not stacked or graph.name != typed.entry]
    found: list[Diagnostic] = []
    parts: list[str] = []
    for graph in blocks:
        try:
            parts.append(_block(graph))
        except NascError as error:
            found += error.diagnostics
    if stacked:
        try:
            parts.append(_skeleton(typed))
        except NascError as error:
            found += error.diagnostics
    if found:
        raise NascError(*(replace(d, hint=d.hint or _HINT, code="nader") for d in found))
    return "\n".join(parts)


def _block(graph: Graph) -> str:
    variables = variables_of(graph)
    types: Types = graph.value_types()
    cropped = _Crops(graph, types)
    index = {graph.inputs[0].name: 0}
    lines = [f"##{_title(graph)}##", "0:input", "1:output"]
    edges: list[str] = []
    nodes: list[Node] = []
    found = list(cropped.found)
    for node in graph.nodes:
        if node.name in cropped.aliases:
            index[node.name] = index[cropped.aliases[node.name]]
            continue
        index[node.name] = len(nodes) + 2
        nodes.append(node)
        try:
            lines.append(f"{index[node.name]}:{spelled(node, types, variables)}")
        except NascError as error:
            found += [_at(d.message, graph, node) for d in error.diagnostics]
        edges.append(f"{','.join(str(index[name]) for name in node.operands)}->{index[node.name]}")
    edges.append(f"{index[graph.outputs[0]]}->1")
    if found:
        raise NascError(*found)
    text = "\n".join((*lines, *edges, ""))
    _check_again(text, graph, nodes)
    return text


class _Crops:
    """The slices that belong to the window before them: they have no node of their own in the text."""

    def __init__(self, graph: Graph, types: Types) -> None:
        """Find them; a window whose result the language would crop, and that is not cropped, is reported."""
        self.aliases: dict[str, str] = {}
        self.found: list[Diagnostic] = []
        users = graph.users()
        for node in graph.nodes:
            value = node.name
            for axis in crop_axes(node, types):
                following = users[value]
                size = types[node.operands[0]].shape[axis] // _stride(node, axis)
                last = following[0] if len(following) == 1 and value not in graph.outputs else None
                if last is None or not _crops(last, axis) or last.type.shape[axis] != size:
                    message = f"{node.op.name} makes {node.type}; the language makes {size} of axis {axis}"
                    self.found.append(_at(message, graph, node))
                    break
                self.aliases[last.name] = value
                value = last.name


def _stride(node: Node, axis: int) -> int:
    attributes = node.op.attributes()
    stride = attributes["stride"] or attributes["kernel_size"]
    assert isinstance(stride, tuple)
    return int(stride[axis - 2])


def _crops(node: Node, axis: int) -> bool:
    attributes = node.op.attributes()
    return (
        node.op.name == "slice"
        and attributes["dim"] in (axis, axis - 4)
        and attributes["start"] == 0
        and attributes["step"] == 1
    )


def _title(graph: Graph) -> str:
    """Return the name of a block, which says what it is for."""
    role = _role(graph)
    if role_of(graph.name) == role:
        return graph.name.replace("#", "_").replace("\n", "_")
    return f"block_{role}" if role_of(f"{graph.name}_{role}") != role else f"{graph.name}_{role}"


def _role(graph: Graph) -> Role:
    (given,), made = graph.inputs, graph.output_types[0]
    if given.type.shape == made.shape:
        return "base" if not graph.symbols else role_of(graph.name)
    halved = given.type.rank == 4 and made.shape[2:] == tuple(size // 2 for size in given.type.shape[2:])
    return "downsample" if halved and role_of(graph.name) != "stem" else "stem"


def _check_again(text: str, graph: Graph, nodes: Sequence[Node]) -> None:
    """Read a block again: what only fits the sizes of this graph is reported at its node."""
    try:
        parse_nader(text)
    except NascError as error:
        found: list[Diagnostic] = []
        for diagnostic in error.diagnostics:
            line = diagnostic.where.line - 4 if diagnostic.where else -1
            message = f"for all C, H and W: {diagnostic.message}"
            node = nodes[line] if 0 <= line < len(nodes) else None
            found.append(_at(message, graph, node, diagnostic.hint))
        raise NascError(*found) from None


def _skeleton(module: Module) -> str:
    main = module.main
    calls = [node for node in main.nodes if isinstance(node.op, CallBlock)]
    roles: dict[Role, Graph] = {}
    stages: list[tuple[int, int]] = []
    for node in calls:
        assert isinstance(node.op, CallBlock)
        graph = module.graph(node.op.callee)
        role = _role(graph)
        roles.setdefault(role, graph)
        if role == "base" and stages:
            stages[-1] = (stages[-1][0], stages[-1][1] + 1)
        elif role != "base":
            stages.append((_number(node.types[0].shape[1]), 0))
    shape = main.inputs[0].type.shape if len(main.inputs) == 1 else ()
    numbers = len(shape) == 4 and not any(symbols_of(size) for size in shape[1:])
    made = main.output_types[0].shape
    skeleton = None
    if numbers and len(made) == 2:
        channels, height, width = (_number(size) for size in shape[1:])
        widths, depths = tuple(width for width, _ in stages), tuple(depth for _, depth in stages)
        skeleton = Skeleton(widths, depths, _number(made[1]), channels, (height, width))
    if skeleton is None or not _is(module, skeleton, roles):
        message = f"@{main.name} is no skeleton of the language: a stem, stages of one base block with one "
        message += "downsampling block between, adaptive_avg_pool2d to 1, flatten and linear"
        raise NascError(Diagnostic(message, "emit a block of it alone", "nader", graph=main.name))
    return _settings(skeleton)


def _is(module: Module, skeleton: Skeleton, roles: dict[Role, Graph]) -> bool:
    try:
        return digest(network(skeleton, roles, Loc(""))) == digest(module)
    except NascError:
        return False


def _settings(skeleton: Skeleton) -> str:
    lines = [f"##{TITLE}##", f"widths={_list(skeleton.widths)}", f"depths={_list(skeleton.depths)}"]
    lines.append(f"classes={skeleton.classes}")
    if skeleton.channels != 3:
        lines.append(f"channels={skeleton.channels}")
    if skeleton.size != (32, 32):
        lines.append(f"size={_list(skeleton.size)}")
    return "\n".join((*lines, ""))


def _list(numbers: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, numbers))}]"


def _number(size: object) -> int:
    return size if isinstance(size, int) else 0


def _at(message: str, graph: Graph, node: Node | None, hint: str = "") -> Diagnostic:
    if node is None:
        return Diagnostic(message, hint, "nader", graph=graph.name)
    return Diagnostic(message, hint, "nader", None, graph.name, node.name, node.path, node.loc)
