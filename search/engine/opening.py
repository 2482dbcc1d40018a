"""Opening a study by what the user wrote: its store, its space, its method and its LLM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ...ir import OPS, Diagnostic, NascError, did_you_mean
from ...passes import cost
from ..edit_grammar import kinds_of
from ..evaluators import parse_cascade
from ..limits import is_ratio, limit_of
from ..llm import Client, Price
from ..store.store import Store
from .admission import fingerprint
from .settings import Settings
from .space import Space
from .strategy import Strategy
from .study import Study

TRIALS = 100
"""Evaluations that a new study is to make where the user does not say."""
_MOST = {"batch": 10**6, "seconds": 10**9, "gib": 10**6, "max_params": 2**62, "max_macs": 2**62}
"""The largest value of each setting that has to be above 0."""
_OBJECTIVE = re.compile(r"(min:)?[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Request:
    """A study as a user asks for it.

    ``study`` is a name, or a file that is the store (``runs/first.db`` or ``runs/first``); ``store`` is a URL or a
    file, by default ``STUDY.db``. ``given`` are settings by name, those that the user stated: for a study that is there
    the others are the ones that it began with. ``max_params`` and ``max_macs`` may be text (``5M``, ``0.5x`` of the
    model), ``ops`` and ``objectives`` text with commas. ``inputs`` and ``data`` tell the shapes of the model.
    """

    study: str
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trials: int | None = None
    store: str | None = None
    inputs: Sequence[str] = ()
    data: str | None = None


def open_study(
    request: Request,
    client: Client | None = None,
    price: Price | None = None,
    prepare: Callable[[Settings], None] | None = None,
    strategy: Strategy | None = None,
) -> Study:
    """Return a study that is there, or a new one. Raises NascError where something that was stated is wrong.

    ``client`` answers in the place of the LLM that the settings name. ``prepare`` is called before a new study is
    written down, and may raise NascError to say that it could not be run. ``strategy`` is a method of one's own; its
    name is the method of the study where none is stated.
    """
    from ..spaces import open_space
    from ..strategies import open_strategy

    name, where = located(request)
    known = read_study(request)
    wanted = request.trials if request.trials is not None else 0 if known else TRIALS
    if wanted < 1 and (known is None or request.trials is not None):
        raise NascError.of(f"--trials is {wanted}", "expected more than 0", "study")
    settings = known or Settings()
    given = {key: value for key, value in request.given.items() if value is not None}
    _need_known(given)
    if known is None and not given.get("start"):
        raise NascError.of(f"there is no study {name!r} yet", "give a new one --start MODEL, or --start nb201", "study")
    plain = replace(settings, **{key: value for key, value in given.items() if key not in _READ})
    if strategy is None:
        strategy = open_strategy(plain.method)
    elif "method" not in given:
        plain = replace(plain, method=strategy.name)
    parse_cascade(plain.evaluator)
    space = open_space(plain.start, inputs=request.inputs, data=request.data)
    read = {key: _READ[key](value, space, key) for key, value in given.items() if key in _READ}
    asked = replace(plain, **read, origin=_origin(space))
    _check(asked)
    if known is None:
        _prepared(strategy)
        if prepare is not None:
            prepare(asked)
    store = Store(where)
    return Study(store.begin(name, asked, wanted), space, strategy, client, price)


def located(request: Request) -> tuple[str, str]:
    """Return the name of a study, and the file or URL of its store."""
    if request.store is not None:
        return request.study, request.store
    path = Path(request.study)
    if not path.name:
        raise NascError.of(
            f"{request.study!r} is no name of a study", "expected a name, or a file such as study.db", "study"
        )
    return path.name.removesuffix(".db"), str(path if path.suffix == ".db" else path.with_name(f"{path.name}.db"))


def read_study(request: Request) -> Settings | None:
    """Return what a study began with, None where there is none yet. Raises NascError for a store that is none."""
    name, where = located(request)
    if "://" not in where and not Path(where).is_file():
        return None
    store = Store(where)
    try:
        return store.study(name).settings if store.has(name) else None
    finally:
        store.close()


def _prepared(strategy: Strategy) -> None:
    """Let a strategy that can check what it will read. Raises NascError."""
    check: Callable[[], None] | None = getattr(strategy, "prepare", None)
    if check is not None:
        check()


def _need_known(given: Mapping[str, Any]) -> None:
    """Check the names of settings. Raises NascError with all that are none."""
    known = [item.name for item in fields(Settings) if item.name != "origin"]
    wrong = [name for name in given if name not in known]
    if wrong:
        raise NascError(
            *(Diagnostic(f"there is no setting {name!r}", did_you_mean(name, known), "study") for name in wrong)
        )


def _origin(space: Space) -> str:
    return " ".join(fingerprint(module) for module in space.starts())


def _check(settings: Settings) -> None:
    """Check numbers. Raises NascError with all that are wrong."""
    found: list[Diagnostic] = []
    for item in fields(settings):
        value, most = getattr(settings, item.name), _MOST.get(item.name)
        if most is not None and value is not None and not 0 < value <= most:
            hint = "expected more than 0" if not value > 0 else f"expected at most {most:g}"
            found.append(Diagnostic(f"{item.metadata['option']} is {value}", hint, "study"))
    if found:
        raise NascError(*found)


def _limit(text: object, space: Space, key: str) -> int:
    """Return a limit written as a number, ``5M``, or ``0.5x`` of the model's. Raises NascError."""
    starts = space.starts() if is_ratio(text) else ()
    if is_ratio(text) and not starts:
        raise NascError.of(f"{text} of what? {space.name} starts from no model", "give a number, such as 5M", "limit")
    base = getattr(cost(starts[0]), key.removeprefix("max_")) if starts else 0
    return limit_of(text if isinstance(text, int) else str(text), base)


def _ops(text: object, space: Space, _: str) -> tuple[str, ...]:
    """Return the ops that ``conv2d,relu`` names, ``keep`` standing for those of the model. Raises NascError."""
    names = set(_words(text))
    if "keep" in names:
        names.remove("keep")
        names.update(*(kinds_of(module) for module in space.starts()))
    wrong = sorted(names - set(OPS))
    if wrong:
        raise NascError(*(Diagnostic(f"there is no op {name!r}", did_you_mean(name, OPS), "op") for name in wrong))
    return tuple(sorted(names))


def _objectives(text: object, _: Space, key: str) -> tuple[str, ...]:
    """Return the metrics that ``score,params,min:loss`` names. Raises NascError."""
    names = tuple(_words(text))
    wrong = [name for name in names if not _OBJECTIVE.fullmatch(name)]
    if wrong or not names:
        hint = "expected metrics with commas between, such as score,params,latency or min:loss"
        raise NascError.of(f"{text!r} names no {key}", hint, "study")
    return names


def _words(text: object) -> Iterable[str]:
    words = text.split(",") if isinstance(text, str) else list(text) if isinstance(text, tuple | list) else []
    return (word for item in words if (word := str(item).strip()))


_READ: Mapping[str, Any] = {"max_params": _limit, "max_macs": _limit, "ops": _ops, "objectives": _objectives}
"""Settings that are read with the space at hand."""
