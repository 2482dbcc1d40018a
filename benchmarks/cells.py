"""Lower every row of the benchmark tables and compare parameters, and MACs, with the columns that state them.

NASC_DATA_DIR=... python -m benchmarks.cells [FAMILY ...] [--limit 1000]
NASC_DATA_DIR=... python -m benchmarks.cells --digests
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, islice, permutations
from pathlib import Path

from nasc.cli.arguments import positive
from nasc.frontends.cells import decode
from nasc.frontends.cells.nb201 import cell, live_edges, parse_edges
from nasc.ir import CallBlock, Dim, Graph, Module, NascError, digest, evaluate, substitute
from nasc.ir.inference import bind
from nasc.passes import Canonicalize

Row = Mapping[str, str]


@dataclass(frozen=True)
class Sizes:
    """What a network has: parameters, MACs and elements that are normalised."""

    params: int
    macs: int
    normalised: int = 0


def same(column: str, digits: int = 30) -> Callable[[Row, int], bool | None]:
    """Return what compares a column with a number, to so many significant digits; None where it is empty."""
    return lambda row, made: f"{made:.{digits}g}" == f"{float(row[column]):.{digits}g}" if row[column] else None


def millions(column: str) -> Callable[[Row, int], bool | None]:
    """Return what compares a column in millions, to its six significant digits."""
    return lambda row, made: f"{made / 1e6:.6g}" == f"{float(row[column]):.6g}"


@dataclass(frozen=True)
class Table:
    """A table: its family and file, the string of a row, and how a row states parameters and MACs."""

    family: str
    file: str
    text: Callable[[Row], str]
    params: Callable[[Row, int], bool | None] | None = None
    macs: Callable[[Row, Sizes], bool | None] | None = None


def arch(row: Row) -> str:
    """Return the string of a row of most tables."""
    return row["arch"]


def stated(column: str) -> Callable[[Row, Sizes], bool]:
    """Return what compares a column with the MACs."""
    return lambda row, sizes: int(row[column]) == sizes.macs


def anynet_flops(classes: int) -> Callable[[Row, Sizes], bool | None]:
    """Return what compares the flops of an AnyNet: MACs, five a normalised element, one a bias of the classifier."""

    def compare(row: Row, sizes: Sizes) -> bool | None:
        if "block_type" not in row["net_json"]:
            return None
        return int(row["flops"]) == sizes.macs + 5 * sizes.normalised + classes

    return compare


def net_json(row: Row) -> str:
    """Return the string of a row of Network Design Spaces."""
    return row["net_json"]


TABLES = (
    Table("macro", "nasbench_macro", arch, same("params"), stated("flops")),
    Table("channel", "channel_resnet", arch, same("params"), stated("flops")),
    Table("ofa", "ofa_mbv3_w10", arch, same("params"), stated("macs")),
    Table("accel", "accel_nasbench", arch, millions("params_M")),
    Table("nds", "nds_imagenet", net_json, same("params"), anynet_flops(1000)),
    Table("nds", "nds_cifar10_reruns", net_json, same("params"), anynet_flops(10)),
    Table("nb201", "nb201", arch),
    Table("nb201", "nb201_zc_cifar10", arch, millions("params")),
    Table("transnas_micro", "transnas101_micro", arch),
    Table("transnas_macro", "transnas101_macro", arch),
    Table("nb101", "nb101", lambda row: f"{row['adj_upper']}:{row['ops']}", same("params")),
)


def rows(file: str) -> Iterable[Row]:
    """Return the rows of a table."""
    folder = Path(os.environ.get("NASC_DATA_DIR", ""))
    with gzip.open(folder / f"{file}.csv.gz", "rt", encoding="utf-8", newline="") as table:
        yield from csv.DictReader(table)


def sizes(module: Module, graph: Graph, values: Mapping[str, Dim]) -> Sizes:
    """Return the sizes of a graph with its symbols replaced: calls are followed, nothing is inlined."""
    types = graph.value_types()
    params = macs = normalised = 0
    for node in graph.nodes:
        operands = tuple(types[name] for name in node.operands)
        if isinstance(node.op, CallBlock):
            block = module.graph(node.op.callee)
            inner = sizes(module, block, bind(block, node.op, operands))
            params, macs = params + inner.params, macs + inner.macs
            normalised += inner.normalised
            continue
        if operands:
            state = (slot.type.numel for slot in node.op.state(operands) if not slot.buffer)
            params += sum(evaluate(substitute(count, values)) for count in state)
        macs += evaluate(substitute(node.op.macs(operands, node.types), values))
        if node.op.name == "batch_norm":
            normalised += evaluate(substitute(node.type.numel, values))
    return Sizes(params, macs, normalised)


def measure(table: Table, limit: int | None) -> None:
    """Print the line of a table, and the rows that differ."""
    count = lowered = 0
    params: list[bool] = []
    macs: list[bool] = []
    seconds = 0.0
    different: list[str] = []
    for row in islice(rows(table.file), limit):
        count += 1
        start = time.process_time()
        try:
            module = decode(table.family, table.text(row))
        except NascError as error:
            print(f"{table.text(row)}: {error}", file=sys.stderr)
            continue
        finally:
            seconds += time.process_time() - start
        lowered += 1
        if table.params is None:
            continue
        found = sizes(module, module.main, {})
        equal = table.params(row, found.params)
        params += [] if equal is None else [equal]
        equal_macs = table.macs(row, found) if table.macs else None
        macs += [] if equal_macs is None else [equal_macs]
        if equal is False:
            different.append(f"{table.text(row)} {_explained(table, row)}".rstrip())
    columns = (f"{count:,}", f"{lowered:,}", _share(params), _share(macs), f"{seconds:.1f}")
    print(f"| {table.family} | {table.file} | {' | '.join(columns)} |", flush=True)
    for text in different:
        print(f"{table.family}: differs: {text}", file=sys.stderr)


def _explained(table: Table, row: Row) -> str:
    """Return the order of the same vertices of an nb101 cell that has the row's parameters; empty without one."""
    if table.family != "nb101" or table.params is None:
        return ""
    for text in reordered(table.text(row)):
        module = decode("nb101", text)
        if table.params(row, sizes(module, module.main, {}).params):
            return f"is equal as {text}"
    return ""


def reordered(text: str) -> Iterable[str]:
    """Return the strings that name the cell of nb101 ``ADJACENCY:OPS`` with its inner vertices in any legal order."""
    adjacency, ops = text.split(":")
    last = len(ops) + 1
    pairs = list(combinations(range(last + 1), 2))
    edges = [pair for pair, bit in zip(pairs, adjacency, strict=True) if bit == "1"]
    for order in permutations(range(1, last)):
        place = (0, *order, last)
        moved = {(place[i], place[j]) for i, j in edges}
        if all(i < j for i, j in moved):
            named = "".join(op for _, op in sorted(zip(order, ops, strict=True)))
            yield "".join("01"[pair in moved] for pair in pairs) + ":" + named


def _share(equal: list[bool]) -> str:
    return f"{sum(equal):,} / {len(equal):,}" if equal else "not stated"


def digests() -> None:
    """Print how many different cells nb201 has, by ways of telling them apart."""
    strings = [row["arch"] for row in rows("nb201")]
    edges = [live_edges(parse_edges(text)) for text in strings]
    canonical = Canonicalize()
    cells = {digest(canonical(Module((cell(tuple(sorted(some.items()))),), "cell"))) for some in edges}
    layers = [tuple(sorted(op for op in some.values() if op != "skip_connect")) for some in edges]
    functions = [_function(text) for text in strings]
    print("| cells told apart by | different |\n|---|---|")
    print(f"| their string | {len(set(strings)):,} |")
    print(f"| the edges on a path from input to output | {len({tuple(sorted(some.items())) for some in edges}):,} |")
    print(f"| the rule of the benchmark's authors | {len(set(map(_published, strings))):,} |")
    print(f"| their digest after canonicalization | {len(cells):,} |")
    print(f"| their function and the layers that it has | {len(set(zip(functions, layers, strict=True))):,} |")
    print(f"| their function | {len(set(functions)):,} |")


def _published(text: str) -> str:
    """Return what the authors compare: zeros stay in sums, a layer that is read twice counts twice."""
    edges = parse_edges(text)
    spelling = {0: "0"}
    for target in (1, 2, 3):
        terms: list[str] = []
        for source in range(target):
            op, x = edges[source, target], spelling[source]
            zero = op == "none" or x == "#"
            terms.append("#" if zero else x if op == "skip_connect" else f"({x})@{op}")
        spelling[target] = "+".join(sorted(terms))
    return spelling[3]


def _function(text: str) -> str:
    """Return what a cell computes: sums of sums are one sum, in the order of their terms, and zeros are nothing."""
    edges = parse_edges(text)
    terms: dict[int, list[str]] = {0: ["x"]}
    for target in (1, 2, 3):
        found: list[str] = []
        for source in range(target):
            op, inner = edges[source, target], terms[source]
            if op != "none" and inner:
                found += inner if op == "skip_connect" else [f"{op}({'+'.join(inner)})"]
        terms[target] = sorted(found)
    return "+".join(terms[3])


def main() -> None:
    """Print the table of all families, or of those named."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("families", metavar="FAMILY", nargs="*", help="default: all")
    options.add_argument("--limit", type=positive, help="rows of each table; default: all")
    options.add_argument("--digests", action="store_true", help="count different cells of nb201 instead")
    chosen = options.parse_args()
    if chosen.digests:
        digests()
        return
    print("| family | table | rows | lowered | params equal | MACs equal | seconds |\n|---|---|---|---|---|---|---|")
    for table in TABLES:
        if not chosen.families or table.family in chosen.families:
            measure(table, chosen.limit)


if __name__ == "__main__":
    main()
