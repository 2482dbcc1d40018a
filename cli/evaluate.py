"""`nasc evaluate`: the predictor's ranking beside what was measured."""

from __future__ import annotations

import argparse

from .output import say, write_text

EXAMPLE = """\
example:
  nasc evaluate --family nb201 --data-dir ../shared/data
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("--family", default="nb201", help="benchmark to rank: nb101 or nb201; default: nb201")
    command.add_argument("--data-dir", metavar="DIR", help="folder of benchmark tables; default: $NASC_DATA_DIR")
    command.add_argument("--limit", type=int, metavar="N", help="rank this many networks only")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Rank a family by the predictor, parameters and multiply-accumulates."""
    from ..predictor import evaluate

    scores = evaluate(arguments.family, data_dir=arguments.data_dir, limit=arguments.limit, on_event=say)
    if arguments.format == "json":
        import json

        write_text(json.dumps(scores.as_json(), indent=2))
        return 0
    lines = [
        f"| {scores.family}, {scores.count} networks | Spearman | Kendall | NDCG@10 |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {r.spearman:.3f} | {r.kendall:.3f} | {r.ndcg10:.4f} |" for name, r in scores.rankers.items()]
    write_text("\n".join(lines))
    return 0
