"""Search by every strategy and report what each found: `python -m benchmarks.search`, written to docs/search.md.

Four parts (--only): nb201, look-ups in NAS-Bench-201 by validation accuracy; executable, the share of proposals that
parse, check and train a step; mnist1d, candidates trained from four seeds; write, the tables and pictures from what
is there, of the parts that are named beside it or of all. A study is a file in --folder: a run that was broken off
goes on where it stopped, and one with more --seeds or another --llm adds to it. `--llm none` are the methods that ask
nobody. --jobs runs several studies at once, which pays where there are more processors than the training of a
candidate uses. The exit code is 1 where a study failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from nasc.cli.arguments import positive

if TYPE_CHECKING:
    from .search_studies import Plan

PARTS = ("nb201", "executable", "mnist1d", "write")
DOCUMENT = Path(__file__).parents[1] / "docs" / "search.md"


def options() -> argparse.Namespace:
    """Return what the user wants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts; default: all")
    parser.add_argument("--llm", nargs="+", default=["none", "random"], help="who answers; default: none random")
    parser.add_argument("--methods", nargs="+", default=[], help="methods; default: all that there are")
    parser.add_argument("--seeds", type=positive, default=10, help="studies a method on nb201; default: 10")
    parser.add_argument("--lookups", type=positive, default=100, help="evaluations of each of them; default: 100")
    parser.add_argument("--mnist1d-seeds", type=positive, default=1, help="studies a method on MNIST-1D; default: 1")
    parser.add_argument("--trained", type=positive, default=100, help="trained candidates of each; default: 100")
    parser.add_argument("--steps", type=positive, default=1000, help="steps of a training; default: 1000")
    parser.add_argument("--proposals", type=positive, default=25, help="candidates trained for a step; default: 25")
    parser.add_argument("--jobs", type=positive, default=1, help="studies at once, each in its own process; default: 1")
    parser.add_argument("--minutes", type=float, help="begin no study after so many minutes")
    parser.add_argument("--folder", type=Path, default=Path("search_runs"), help="studies; default: search_runs")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="what is written; default: docs/search.md")
    return parser.parse_args()


def run(chosen: argparse.Namespace) -> int:
    """Run all studies that are not over yet; return how many failed."""
    from .search_studies import Desk, Sizes, plans
    from .search_weights import unseen
    from .search_workers import at_once, one_by_one

    names = ("seeds", "lookups", "mnist1d_seeds", "trained", "steps", "proposals")
    sizes = Sizes(**{name: getattr(chosen, name) for name in names})
    wanted = list(plans(chosen.only, chosen.llm, sizes, chosen.methods))
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if "nb201" in chosen.only:
        unseen(chosen.folder)
    begun, desk, failed = in_time(wanted, chosen.minutes), Desk(chosen.folder), 0
    with closing(at_once(begun, chosen.jobs, desk) if chosen.jobs > 1 else one_by_one(begun, desk)) as over:
        for number, study in enumerate(over, start=1):
            print(f"{number}/{len(wanted)} {study.plan.name}: {study.said}", flush=True)
            failed += study.failed
    return failed


def in_time(wanted: Sequence[Plan], minutes: float | None) -> Iterator[Plan]:
    """Return studies as long as another may begin."""
    start = time.monotonic()
    for number, plan in enumerate(wanted):
        if minutes is not None and time.monotonic() - start > 60 * minutes:
            print(f"{len(wanted) - number} studies are left")
            return
        yield plan


def main() -> int:
    """Search, then write; return the exit code."""
    chosen, failed = options(), 0
    try:
        failed = run(chosen) if set(chosen.only) - {"write"} else 0
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130
    if "write" in chosen.only:
        from .search_results import write

        write(chosen.folder, chosen.document, set(chosen.only) - {"write"})
        print(f"wrote {chosen.document}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
