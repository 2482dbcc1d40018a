"""Search by every strategy and report what each found: `python -m benchmarks.search`, written to docs/search.md.

Four parts (--only): nb201, look-ups in NAS-Bench-201 by validation accuracy; executable, the share of proposals that
parse, check and train a step; mnist1d, candidates trained from four seeds; write, the tables and pictures from what
is there. A study is a file in --folder: a run that was broken off goes on where it stopped, and one with more --seeds
or another --llm adds to it. `--llm none` are the methods that ask nobody.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from nasc.search.llm import open_client

PARTS = ("nb201", "executable", "mnist1d", "write")
DOCUMENT = Path(__file__).parents[1] / "docs" / "search.md"


def options() -> argparse.Namespace:
    """Return what the user wants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts; default: all")
    parser.add_argument("--llm", nargs="+", default=["none", "random"], help="who answers; default: none random")
    parser.add_argument("--methods", nargs="+", default=[], help="methods; default: all that there are")
    parser.add_argument("--seeds", type=int, default=10, help="studies a method on nb201; default: 10")
    parser.add_argument("--lookups", type=int, default=100, help="evaluations of each of them; default: 100")
    parser.add_argument("--mnist1d-seeds", type=int, default=1, help="studies a method on MNIST-1D; default: 1")
    parser.add_argument("--trained", type=int, default=100, help="trained candidates of each; default: 100")
    parser.add_argument("--steps", type=int, default=1000, help="steps of a training; default: 1000")
    parser.add_argument("--proposals", type=int, default=25, help="candidates trained for a step; default: 25")
    parser.add_argument("--minutes", type=float, help="begin no study after so many minutes")
    parser.add_argument("--folder", type=Path, default=Path("search_runs"), help="studies; default: search_runs")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="what is written; default: docs/search.md")
    return parser.parse_args()


def run(chosen: argparse.Namespace) -> None:
    """Run all studies that are not over yet."""
    from .search_studies import Sizes, plans, search, space_of
    from .search_weights import unseen

    names = ("seeds", "lookups", "mnist1d_seeds", "trained", "steps", "proposals")
    sizes = Sizes(**{name: getattr(chosen, name) for name in names})
    wanted = list(plans(chosen.only, chosen.llm, sizes, chosen.methods))
    clients = {llm: open_client("random" if llm == "none" else llm) for llm in chosen.llm}
    spaces = {part: space_of(part) for part in dict.fromkeys(plan.part for plan in wanted)}
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if "nb201" in chosen.only:
        unseen(chosen.folder)
    start = time.monotonic()
    for number, plan in enumerate(wanted, start=1):
        if chosen.minutes is not None and time.monotonic() - start > 60 * chosen.minutes:
            print(f"{len(wanted) - number + 1} studies are left")
            return
        said = search(plan, spaces[plan.part], clients[plan.llm], chosen.folder)
        print(f"{number}/{len(wanted)} {plan.name}: {said}", flush=True)


def main() -> None:
    """Search, then write."""
    chosen = options()
    if set(chosen.only) - {"write"}:
        run(chosen)
    if "write" in chosen.only:
        from .search_results import write

        write(chosen.folder, chosen.document)
        print(f"wrote {chosen.document}", file=sys.stderr)


if __name__ == "__main__":
    main()
