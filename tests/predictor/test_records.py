"""Records: what was cut off is left out, and what comes after it is kept."""

from pathlib import Path

import pytest

from nasc.predictor.records import adding, recorded


@pytest.mark.parametrize("end", ["", "\n", '\n{"b": ', '\n{"b": "\u00e4'])
def test_a_record_goes_on_where_it_was_cut_off(end: str, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_bytes(f'{{"a": 1}}{end}'.encode()[: -1 if end.endswith("\u00e4") else None])
    assert recorded(record) == [{"a": 1}]
    with adding(record) as add:
        add({"c": "\u00e4"})
        assert recorded(record) == [{"a": 1}, {"c": "\u00e4"}]


def test_a_record_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert recorded(tmp_path / "none") == []
    with adding(tmp_path / "none") as add:
        add({"a": 1})
    assert (tmp_path / "none").read_text() == '{"a": 1}\n'
