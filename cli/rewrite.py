"""`nasc rewrite`: edits to a model until it scores better."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING

from .arguments import add_output, add_source, natural, number, positive, seconds
from .emit import TARGETS, emitted, write_code
from .knowledge import doubt
from .output import console, on_terminal, say, write_diagnostics
from .source import read_module

if TYPE_CHECKING:
    from ..search import RewriteResult

EXAMPLE = """\
LLMs are
  local                       SmolLM2-135M in this process, under the edit grammar, on the CPU; NASC_LLM_DEVICE=cuda
                              puts it on a GPU
  openai:MODEL                OpenAI, with OPENAI_API_KEY
  http://HOST:PORT/v1#MODEL   any OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama, LM Studio
  random                      no LLM: edits drawn at random from the same grammar (the default)

examples:
  nasc lower examples/resnet_cifar.py | nasc relevance | nasc rewrite --llm local --emit torch > better.py
  nasc rewrite timm:resnet18 --max-iterations 3 --keep-ops --max-params 1.1x --emit nasc
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument("--llm", metavar="LLM", default="random", help="who proposes edits; default: random")
    command.add_argument("--emit", choices=TARGETS, default="torch", help="what to emit; default: torch")
    command.add_argument(
        "--threshold", type=number, metavar="S", help="stop at this score; default: a quarter deviation up"
    )
    command.add_argument("--max-iterations", type=positive, default=10, metavar="N", help="rounds at most; default: 10")
    command.add_argument(
        "--tries", type=positive, default=3, metavar="N", help="answers a round until one holds; default: 3"
    )
    command.add_argument("--keep-ops", action="store_true", help="only kinds of operations that the model has")
    command.add_argument("--max-params", metavar="N", help="parameters at most: 1.1x of the model's, or 5M")
    command.add_argument("--max-macs", metavar="N", help="multiply-accumulates at most: 1.1x of the model's, or 2G")
    command.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of the LLM's choices; default: 0")
    command.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="S", help="seconds an answer may take; default: 60"
    )
    command.add_argument("--budget-tokens", type=positive, metavar="N", help="stop before the LLM has used more tokens")
    command.add_argument("--no-cache", action="store_true", help="ask again even where an answer is known")
    command.add_argument("--no-diff", action="store_true", help="do not show the diff of the emitted code")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Rewrite, emit the best model found, and say what was done."""
    from ..ir.files import user_cache_dir
    from ..predictor import Predictor
    from ..search import RewriteOptions, header, rewrite
    from ..search.llm import Ledger, open_client

    module = read_module(arguments.source, arguments)
    ledger = Ledger()
    client = open_client(
        arguments.llm,
        cache_dir=None if arguments.no_cache else user_cache_dir() / "answers",
        timeout=arguments.timeout,
        budget_tokens=arguments.budget_tokens,
        ledger=ledger,
        on_event=say,
    )
    options = RewriteOptions(
        threshold=arguments.threshold,
        max_iterations=arguments.max_iterations,
        tries=arguments.tries,
        keep_ops=arguments.keep_ops,
        max_params=arguments.max_params,
        max_macs=arguments.max_macs,
        seed=arguments.seed,
    )
    predictor = Predictor.load()
    doubt(predictor, module)
    result = rewrite(module, predictor, client, options, on_event=say)
    after = emitted(result.best, arguments.emit, tuple(header(result)))
    write_code(after, arguments.emit, arguments.output)
    _summarise(result)
    if arguments.emit == "torch" and not arguments.no_diff:
        show_diff(emitted(result.start, "torch"), emitted(result.best, "torch"))
    say(ledger.summary())
    return _exit_code(result)


def _summarise(result: RewriteResult) -> None:
    if result.error:
        write_diagnostics(result.error.diagnostics, "text")
    gain = result.score - result.baseline
    say(f"predicted score {result.baseline:.4f} -> {result.score:.4f} ({gain:+.4f}); stopped: {result.stopped}")
    for step in result.accepted:
        say(f"  {step.description}" + (f" (its reason: {step.explanation})" if step.explanation else ""))


def _exit_code(result: RewriteResult) -> int:
    """Return 130 after Ctrl-C and 1 where the LLM failed: the best model so far was printed all the same."""
    if result.stopped == "interrupted":
        return 130
    return 1 if result.error else 0


def show_diff(before: str, after: str) -> None:
    """Show a unified diff on stderr, in colour on a terminal."""
    import sys

    lines = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), "before.py", "after.py", lineterm="", n=2)
    )
    if not lines:
        say("the code did not change")
        return
    if on_terminal(sys.stderr):
        from rich.syntax import Syntax

        console(sys.stderr).print(Syntax("\n".join(lines), "diff", background_color="default"))
        return
    say("\n".join(lines))
