"""Quoting: the only place where names and values become Python text, so that none can break out."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Container
from textwrap import wrap

from ...ir import DType, Expr, NascError

WIDTH = 88
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = frozenset({"self", "torch", "nn", "F", "Tensor", "OrderedDict", "base64", "zlib", "super"})
# What every nn.Module has on its class: a submodule of this name is only reached through `_modules`.
ON_MODULE = frozenset(
    """T_destination _apply _call_impl _compiled_call_impl _get_backward_hooks _get_backward_pre_hooks
    _get_name     _load_from_state_dict _maybe_warn_non_full_backward_hook _named_members
    _register_load_state_dict_pre_hook     _register_state_dict_hook _replicate_for_data_parallel
    _save_to_state_dict _slow_forward _version     _wrapped_call_impl add_module apply bfloat16 buffers
    call_super_init children compile cpu cuda double     dump_patches eval extra_repr float forward
    get_buffer get_extra_state get_parameter get_submodule half ipu     load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters     register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook     register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty     train type xpu zero_grad""".split()
)
# What every nn.Module keeps in its instance: no submodule can have this name, in PyTorch either.
IN_MODULE = frozenset(
    """training _backward_hooks _backward_pre_hooks _buffers _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _is_full_backward_hook
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _modules _non_persistent_buffers_set
    _parameters     _state_dict_hooks _state_dict_pre_hooks""".split()
)
# What nn.ModuleDict, nn.ModuleList, nn.Sequential and nn.ParameterDict add.
ON_CONTAINER = frozenset(
    """_get_abs_string_index _get_item_by_idx _key_to_attr _keys append clear copy extend fromkeys get
    insert items     keys pop popitem setdefault update values""".split()
)
_DTYPES = {
    DType.F64: "torch.float64",
    DType.F32: "torch.float32",
    DType.F16: "torch.float16",
    DType.BF16: "torch.bfloat16",
    DType.I64: "torch.int64",
    DType.I32: "torch.int32",
    DType.I16: "torch.int16",
    DType.I8: "torch.int8",
    DType.U8: "torch.uint8",
    DType.BOOL: "torch.bool",
    DType.C64: "torch.complex64",
}


def literal(value: object) -> str:
    """Return plain data as a Python literal; tuples of one element keep their comma.

    Raises NascError for anything but numbers, truth values, strings, dtypes, None and sequences of these.
    """
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return real(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, DType):
        return _DTYPES[value]
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    what = "the symbolic size" if isinstance(value, Expr) else type(value).__name__
    raise NascError.of(f"{what} {value} cannot be written as a literal", "expected plain data", "emit-literal")


def real(value: float) -> str:
    """Return a float as people write it: ``1e-6``, ``0.1``, ``float("inf")``."""
    if not math.isfinite(value):
        return f'float("{value}")'
    return repr(value).replace("e-0", "e-").replace("e+", "e")


def string(text: str) -> str:
    """Return a double-quoted ASCII string literal."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 32 <= code < 127 and character != '"':
        return character
    if code < 256:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(name: str) -> bool:
    """Return whether a name can stand after a dot as it is: ASCII, no keyword, not mangled by the class."""
    return bool(_SIMPLE.fullmatch(name)) and not keyword.iskeyword(name) and not name.startswith("__")


_FEW = 64
"""Up to here the lowest number that is free is looked for one by one."""


def identifier(text: str, taken: Container[str] = (), limit: int = 40) -> str:
    """Return a Python variable name near ``text`` that shadows nothing and is not taken."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text).strip("_")[:limit] or "value"
    if name[0].isdigit():
        name = f"_{name}"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        name = f"{name}_"
    if name not in taken and name not in _TAKEN:
        return name
    last, free = 1, 2
    while f"{name}{free}" in taken:
        last, free = free, free + 1 if free < _FEW else 2 * free
    while free - last > 1:
        middle = (last + free) // 2
        last, free = (middle, free) if f"{name}{middle}" in taken else (last, middle)
    return f"{name}{free}"


def class_name(text: str, taken: Container[str] = ()) -> str:
    """Return ``text`` in CamelCase, safe and not taken."""
    words = re.split(r"[^A-Za-z0-9]+", text)
    return identifier("".join(word[:1].upper() + word[1:] for word in words) or "Block", taken)


def shown(text: str) -> str:
    """Return text on one line without characters that are not printable, for comments and docstrings."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def comment(text: str, indent: int = 0) -> list[str]:
    """Return text as comment lines that fit the width."""
    lines = wrap(shown(text), max(WIDTH - indent - 2, 20), break_long_words=False, break_on_hyphens=False)
    return [f"# {line}" for line in lines]


def docstring(paragraphs: list[str], indent: int = 0) -> list[str]:
    """Return a docstring of one paragraph a line, wrapped to the width."""
    lines: list[str] = []
    for paragraph in paragraphs:
        text = shown(paragraph).replace("\\", "\\\\").replace('"""', "'''")
        lines += wrap(text, WIDTH - indent - 6, break_long_words=False, break_on_hyphens=False) or [""]
    if len(lines) == 1:
        return [f'{" " * indent}"""{_closed(lines[0])}"""']
    body = [f"{' ' * indent}{line}" if line else "" for line in lines[1:]]
    return [f'{" " * indent}"""{lines[0]}', *body, f'{" " * indent}"""']


def _closed(line: str) -> str:
    return f"{line[:-1]}'" if line.endswith('"') else line
