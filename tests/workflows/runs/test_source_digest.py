"""The digest of a source depends on its content, not on its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core.errors import UnavailableError
from workflows.local.nodes import Values
from workflows.runs.source_digest import source_digest

if TYPE_CHECKING:
    from pathlib import Path


def content(uri: str) -> str:
    return source_digest("source", Values({"source": uri}))


def test_the_same_bytes_are_the_same_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "b.csv").write_text("1\n")
    assert content(str(tmp_path / "a.csv")) == content((tmp_path / "b.csv").as_uri())
    (tmp_path / "b.csv").write_text("2\n")
    assert content(str(tmp_path / "a.csv")) != content((tmp_path / "b.csv").as_uri())


def test_several_files_count_by_all_of_them(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(name)
    before = content(f"{tmp_path}/*.csv")
    assert before == content(f"{tmp_path}/?.csv")
    (tmp_path / "b.csv").write_text("c")
    assert before != content(f"{tmp_path}/*.csv")


@pytest.mark.parametrize("uri", ["/nowhere/a.csv", "/nowhere/*.csv", "bq://p.d"])
def test_what_cannot_be_read_is_never_the_same(uri: str) -> None:
    assert content(uri) != content(uri)


def test_a_remote_table_counts_by_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from steps import io

    monkeypatch.setattr(io, "version_of", lambda uri, reading: f"{uri} {reading.location}")
    inputs = Values({"source": "bq://p.d.t", "location": "EU"})
    assert source_digest("source", inputs) == "bq://p.d.t EU"
    monkeypatch.setattr(io, "version_of", lambda *_: None)
    assert source_digest("source", inputs) != source_digest("source", inputs)

    def fails(*_: object) -> str:
        raise UnavailableError("no answer")

    monkeypatch.setattr(io, "version_of", fails)
    assert source_digest("source", inputs) != source_digest("source", inputs)
