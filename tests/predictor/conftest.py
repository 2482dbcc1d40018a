import csv
import gzip
from pathlib import Path

import pytest

from nasc.predictor import Predictor


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """The shipped predictor."""
    return Predictor.load()


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small table in the layout of the nb101 table, with accuracies that grow with size."""
    folder = tmp_path_factory.mktemp("tables")
    rows = _rows()
    with gzip.open(folder / "nb101.csv.gz", "wt", newline="") as file:
        writer = csv.DictWriter(file, ["adj_upper", "ops", "val108"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _rows() -> list[dict[str, str]]:
    """Chains of four vertices with every choice of operations, and with a skip to the output."""
    rows: list[dict[str, str]] = []
    for code in range(3**4):
        ops = "".join(str(code // 3**i % 3) for i in range(4))
        for adjacency in ("100001000100101", "100011000100101", "110001000100101"):
            accuracy = 0.85 + 0.02 * ops.count("0") + 0.005 * ops.count("1") + 1e-6 * len(rows)
            rows.append({"adj_upper": adjacency, "ops": ops, "val108": f"{accuracy:.6f}"})
    return rows
