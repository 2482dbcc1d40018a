"""`nasc evaluate`: the predictor's ranking beside what was measured."""

from __future__ import annotations

import argparse

from ..ir import counted
from .arguments import add_task, positive
from .output import need_place, say, write_text

EXAMPLE = """\
examples:
  nasc evaluate --family nb201 --data-dir ../shared/data
  nasc evaluate --family nb201 --task cifar100 --limit 500 --data-dir ../shared/data
  nasc evaluate --all --data-dir ../shared/data --record trials.jsonl --card docs/predictor.md
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("--family", metavar="NAME", help="benchmark to rank; default: nb201")
    add_task(command, "accuracy that is held against the score; default: the family's first")
    command.add_argument(
        "--all",
        action="store_true",
        help="compare recipes and baselines over all families: zero-shot, left out, 50 labels",
    )
    command.add_argument("--seeds", type=positive, metavar="N", help="with --all: seeds a recipe; default: 3")
    command.add_argument(
        "--record",
        metavar="FILE",
        help="with --all: results so far; a killed run goes on from it; default: trials.jsonl",
    )
    command.add_argument("--card", metavar="FILE", help="with --all: write the tables into this model card")
    command.add_argument("--data-dir", metavar="DIR", help="folder of benchmark tables; default: $NASC_DATA_DIR")
    command.add_argument("--limit", type=positive, metavar="N", help="rank this many networks only")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the table")
    command.set_defaults(run=run, usage=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Rank a family by the predictor, parameters and multiply-accumulates, or compare all recipes."""
    misplaced = ("family", "task") if arguments.all else ("seeds", "record", "card")
    said = "--all ranks every family by its own task: leave --{} out" if arguments.all else "--{} goes with --all"
    for option in misplaced:
        if getattr(arguments, option) is not None:
            arguments.usage(said.format(option))
    if arguments.all:
        return _compare(arguments)
    from ..predictor import evaluate

    family = "nb201" if arguments.family is None else arguments.family
    scores = evaluate(family, data_dir=arguments.data_dir, limit=arguments.limit, on_event=say, task=arguments.task)
    if arguments.format == "json":
        import json

        write_text(json.dumps(scores.as_json(), indent=2))
        return 0
    lines = [
        f"| {scores.family}, {counted(scores.count, 'network')} | Spearman | Kendall | NDCG@10 |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {r.spearman:.3f} | {r.kendall:.3f} | {r.ndcg10:.4f} |" for name, r in scores.rankers.items()]
    write_text("\n".join(lines))
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from ..predictor.harness import Plan, compare
    from ..predictor.tables import around, put, tables

    record = Path("trials.jsonl" if arguments.record is None else arguments.record)
    need_place(record)
    if arguments.card:
        need_place(arguments.card)
        around(Path(arguments.card))
    plan = Plan(seeds=tuple(range(arguments.seeds or 3)), limit=arguments.limit, data_dir=arguments.data_dir)
    trials = compare(plan, record, say)
    if arguments.format == "json":
        import json

        write_text(json.dumps([trial.as_json() for trial in trials], indent=2))
        return 0
    text = tables(trials)
    if arguments.card:
        put(Path(arguments.card), text)
        say(f"wrote {arguments.card}")
    else:
        write_text(text)
    return 0
