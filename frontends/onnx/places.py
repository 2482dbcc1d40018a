"""Where a node of an ONNX file comes from: its layer's path and source line, as far as anything tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from onnx import NodeProto

from ...ir import Loc, NascError, Notes, NoteValue

_FRAME = re.compile(r'File "(?P<file>[^"\n]{1,1000})", line (?P<line>\d{1,9})')
_LIBRARY = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
_UNFIT = re.compile(r"[^A-Za-z0-9_.]+")
_SAFE_LIST = 20_000


def metadata(node: NodeProto) -> dict[str, str]:
    """Return the metadata of a node."""
    return {entry.key: entry.value for entry in node.metadata_props}


def path_of(node: NodeProto, props: Mapping[str, str]) -> str:
    """Return the dotted path of the layer that a node belongs to; "" where nothing tells.

    In this order: what nasc wrote, the scopes that torch.onnx writes, and the parts of a name with slashes.
    """
    if "nasc.path" in props:
        return key_text(props["nasc.path"])
    scopes = _scopes(props)
    if len(scopes) > 1:
        return key_text(scopes[-2])
    return from_name(node.name)


def from_name(name: str) -> str:
    """Return the path in a name such as ``/layer1/layer1.0/conv1/Conv``: ``layer1.0.conv1``."""
    parts = [part for part in name.split("/")[:-1] if part]
    path = ""
    for part in parts:
        last = path.rpartition(".")[2]
        if path and not part.startswith(f"{path}."):
            part = f"{path}{part[len(last) :]}" if part.startswith(f"{last}.") else f"{path}.{part}"
        path = part
    return key_text(path)


def scopes_of(props: Mapping[str, str]) -> dict[str, str]:
    """Return the class names of the modules around a node, by path, as torch.onnx notes them."""
    names, classes = _scopes(props), _strings(props.get("pkg.torch.onnx.class_hierarchy", ""))
    found: dict[str, str] = {}
    for path, cls in zip(names[:-1], classes[:-1], strict=False):
        own = cls.startswith("torch.nn.modules") and ".container." not in cls
        if not own and cls:
            found[key_text(path)] = cls.rpartition(".")[2]
    return found


def loc_of(props: Mapping[str, str]) -> Loc | None:
    """Return the source line of a node: what nasc wrote, else the innermost of torch.onnx's frames."""
    if "nasc.loc" in props:
        return _parsed_loc(props["nasc.loc"])
    frames = [(m["file"], int(m["line"])) for m in _FRAME.finditer(props.get("pkg.torch.onnx.stack_trace", ""))]
    own = [frame for frame in frames if not _LIBRARY.search(frame[0])] or frames
    if not own:
        return None
    file, line = own[-1]
    found = _LIBRARY.search(file)
    return Loc((file[found.end() :] if found else file.rpartition("/")[2]).replace("\\", "/"), line)


def notes_of(props: Mapping[str, str]) -> Notes:
    """Return the relevance that nasc noted on a node."""
    notes: dict[str, NoteValue] = {}
    try:
        notes["relevance"] = float(props["nasc.relevance"])
    except (KeyError, ValueError):
        return {}
    return notes


def key_text(text: str) -> str:
    """Return a name as a path or a key: letters, digits, underscores, and single dots between them."""
    return re.sub(r"\.\.+", ".", _UNFIT.sub("_", text)).strip(".")


def _parsed_loc(text: str) -> Loc | None:
    parts = text.rsplit(":", 2)
    numbers = [int(part) for part in parts[1:] if part.isascii() and part.isdigit() and len(part) < 10]
    if not parts[0] or len(numbers) != len(parts) - 1:
        return None
    return Loc(parts[0], *numbers)


def _scopes(props: Mapping[str, str]) -> list[str]:
    return _strings(props.get("pkg.torch.onnx.name_scopes", ""))


def _strings(text: str) -> list[str]:
    """Return the strings of a list that was written as Python does; none where it is not one."""
    if not text or len(text) > _SAFE_LIST:
        return []
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [str(item) for item in value] if isinstance(value, list) else []


def unsupported(what: str, hint: str = "", code: str = "unsupported") -> NascError:
    """Return the error that a node cannot be expressed; the translation adds the place."""
    return NascError.of(what, hint, code)
