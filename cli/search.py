"""`nasc search`: looks for better networks; a study that is killed or interrupted goes on where it was."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from math import inf
from typing import TYPE_CHECKING

from .arguments import add_output, natural, positive, seconds
from .emit import TARGETS, emitted, write_code
from .output import say, write_diagnostics, write_text

if TYPE_CHECKING:
    from ..search.engine import Pool, Request, Settings, Study, Trial
    from ..search.llm import Client, Ledger, Price

EXAMPLE = """\
STUDY is a name, kept in STUDY.db in this folder, or a file. The same command again goes on with the study, and so does
`nasc search STUDY` alone; several processes may work on one. --trials may be raised, all else stays as it began.
what may be written there
  --method      random, evolution, predictor: without an LLM; nas-assistant, evoprompting, nader, fairnad: with one;
                options in braces: evolution{population=20,sample=5} (docs/strategies.md has them all)
  --start       nb201, the cells of NAS-Bench-201, or a model: see `nasc --help`
  --evaluator   predictor, train:mnist1d, train:digits, train:FILE.py:fn, proxy:NAME, table:nb201:cifar10, latency;
                train:digits{steps=200} has options too; predictor/4,train:digits trains the best quarter of each round;
                fn(model, seed) returns a number, larger is better, or {"score": number, ...}
  --objectives  score, params, macs, latency (ms in onnxruntime), or what the evaluator measures: min:loss
  --llm         local, random, openai:MODEL or a URL: see `nasc rewrite --help`

examples:
  nasc search $(mktemp -d)/quick --method random --start examples/block.nasc --evaluator proxy:synflow --trials 4
  nasc search cells --method evolution --start nb201 --evaluator table:nb201:cifar10 --trials 100
  nasc search small --start model.py --max-params 0.5x --evaluator predictor/4,train:digits --workers 2
  nasc search small --emit torch > best.py
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("study", metavar="STUDY", help="the study's name, or the file that it is kept in")
    _add_question(command)
    _add_limits(command)
    run_ = command.add_argument_group("how it is run; none of this changes what is found")
    run_.add_argument("--store", metavar="URL", help="file, or postgresql://USER@HOST/DATABASE; default: STUDY.db")
    run_.add_argument(
        "--workers", type=positive, metavar="N", help="evaluations at a time; default: 1, all CPUs of --ray"
    )
    run_.add_argument("--ray", metavar="ADDRESS", help="evaluate on a Ray cluster: its address, or auto")
    run_.add_argument("--budget-tokens", type=positive, metavar="N", help="stop this run before it uses more tokens")
    run_.add_argument(
        "--llm-timeout", type=seconds, default=60.0, metavar="S", help="seconds an answer may take; default: 60"
    )
    run_.add_argument("--price", metavar="IN,OUT", help="what a million tokens of prompt and of answer cost")
    run_.add_argument("--emit", choices=TARGETS, help="emit the best network in the end")
    add_output(command)
    command.set_defaults(run=run)


def _add_question(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("what is searched")
    group.add_argument("--method", metavar="M", help="how to search; default: evolution")
    group.add_argument("--start", metavar="SOURCE", help="the model, or the space, to begin with")
    group.add_argument("--evaluator", metavar="E", help="what a network is worth; default: predictor")
    group.add_argument("--trials", type=int, metavar="N", help="networks to evaluate; default: 100")
    group.add_argument("--llm", metavar="LLM", help="who fills in what methods ask an LLM; default: random")
    group.add_argument("--seed", type=natural, metavar="N", help="seed of all that is drawn; default: 0")
    group.add_argument("--batch", type=int, metavar="N", help="evaluations a round; default: 8")
    group.add_argument("--objectives", metavar="NAMES", help="of the Pareto front; default: score,params")
    group.add_argument("--input", metavar="SHAPE", action="append", default=[], help="what the model takes: 1x3x32x32")
    group.add_argument("--data", metavar="NAME", help="data loader of model.py whose first batch is the input")


def _add_limits(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("limits; a network over them is made narrower until it fits")
    group.add_argument("--max-params", metavar="N", help="parameters at most: 5M, or 0.5x of the model's")
    group.add_argument("--max-macs", metavar="N", help="multiply-accumulates at most: 2G, or 0.5x of the model's")
    group.add_argument("--ops", metavar="NAMES", help="the only ops allowed: conv2d,relu; keep: those of the model")
    group.add_argument("--timeout", type=float, metavar="S", help="seconds an evaluation may take; default: 600")
    group.add_argument("--memory", type=float, metavar="GIB", help="memory an evaluation may take; default: 4")


def run(arguments: argparse.Namespace) -> int:
    """Search, and show the best network found."""
    from ..search.engine import open_study, read_study
    from ..search.evaluators import parse_cascade
    from ..search.llm import Ledger

    _check_output(arguments)
    request = _request(arguments)
    ledger = Ledger(_price(arguments.price))
    client = _client(arguments, read_study(request), ledger)
    with ExitStack() as stack:
        pools: list[Pool] = []

        def prepare(settings: Settings) -> None:
            pools.append(stack.enter_context(closing(_pool(arguments, settings))))
            pools[0].prepare([stage.spec for stage in parse_cascade(settings.evaluator).stages])

        study = stack.enter_context(open_study(request, client, ledger.price, prepare))
        if request.trials is not None and request.trials < study.stored.wanted:
            say(f"{study.stored.wanted} evaluations were asked for before: --trials {request.trials} takes none away")
        if not pools and not study.over():
            prepare(study.settings)
        return _searched(arguments, study, pools[0] if pools else None)


def _check_output(arguments: argparse.Namespace) -> None:
    """Check before the search that it is said what to write. Raises NascError."""
    from ..ir import NascError

    if arguments.output is not None and arguments.emit is None:
        raise NascError.of(f"-o {arguments.output} says where to write, and not what", "add --emit torch", "output")


def _searched(arguments: argparse.Namespace, study: Study, pool: Pool | None) -> int:
    """Run the study where it is not over, and conclude; return the exit code: 1 where no network has a score."""
    from ..search.engine import run
    from .search_progress import Progress

    error, interrupted = None, False
    try:
        with Progress(study) as progress:
            if pool is not None:
                error = run(study, pool, progress.update).error
    except KeyboardInterrupt:
        interrupted = True
    found = _conclude(arguments, study)
    if error is not None:
        write_diagnostics(error.diagnostics, "text")
        return 1
    if interrupted:
        say(f"interrupted; `nasc search {arguments.study}` goes on with it")
    return 130 if interrupted else 0 if found else 1


def _request(arguments: argparse.Namespace) -> Request:
    from ..search.engine import Request

    names = "method start evaluator llm seed batch objectives max_params max_macs ops".split()
    given = {name: getattr(arguments, name) for name in names}
    given |= {"seconds": arguments.timeout, "gib": arguments.memory}
    return Request(
        arguments.study,
        {name: value for name, value in given.items() if value is not None},
        arguments.trials,
        arguments.store,
        tuple(arguments.input),
        arguments.data,
    )


def _client(arguments: argparse.Namespace, known: Settings | None, ledger: Ledger) -> Client:
    from ..search.engine import Settings
    from ..search.llm import open_client

    spec = arguments.llm or (known or Settings()).llm
    return open_client(
        spec, timeout=arguments.llm_timeout, budget_tokens=arguments.budget_tokens, ledger=ledger, on_event=say
    )


def _price(text: str | None) -> Price | None:
    from ..ir import NascError
    from ..search.llm import Price

    if text is None:
        return None
    try:
        prompt, completion = map(float, text.split(","))
        if not all(0 <= value < inf for value in (prompt, completion)):
            raise ValueError
    except ValueError:
        raise NascError.of(f"--price {text!r} is no price", "expected two numbers, such as 0.15,0.6", "price") from None
    return Price(prompt, completion)


def _pool(arguments: argparse.Namespace, settings: Settings) -> Pool:
    from ..search.engine import LocalPool

    if arguments.ray is not None:
        from ..search.engine.ray_pool import RayPool

        return RayPool(arguments.ray, arguments.workers, settings.seconds, settings.gib)
    return LocalPool(arguments.workers or 1, settings.seconds, settings.gib)


def _conclude(arguments: argparse.Namespace, study: Study) -> bool:
    """Emit the best network, or say what was found and how to get it; return whether there is any."""
    from .search_progress import summary

    trials = study.trials()
    best = study.best(trials)
    lines = summary(study, trials)
    if arguments.emit is None:
        if best is not None:
            lines.append(
                f"`nasc search {arguments.study} --emit torch` writes it, `nasc report {arguments.study}` its history"
            )
        write_text("\n".join(lines))
        return best is not None
    say("\n".join(lines))
    if best is not None and best.module is not None:
        code = emitted(best.module, arguments.emit, _header(study, best))
        write_code(code, arguments.emit, arguments.output)
    return best is not None


def _header(study: Study, best: Trial) -> tuple[str, ...]:
    settings = study.settings
    return (
        f"Found by nasc: study {study.stored.name}, trial {best.number}, {settings.method} from {settings.start}",
        f"{settings.evaluator}: {best.score:.4f}",
    )
