"""Every text file that a person writes is read with a byte-order mark, and refused in one line where it is no UTF-8."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from steps import prepare
from steps import schema as schemas
from steps.core.errors import BadConfigurationError, PipelineError, UsageError
from steps.search import space_file
from workflows import settings
from workflows.argo import embedded_files
from workflows.cli import linting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARK = "\ufeff"
SPACE = "[parameters.max_leaves]\nlow = 2\nhigh = 9\n# caf\u00e9\n"
SCHEMA = (schemas.DATA / "covertype.toml").read_text(encoding="utf-8") + "# caf\u00e9\n"
WORKFLOW = "kind: Workflow\nmetadata: {generateName: a-, annotations: {b: caf\u00e9}}\nspec: {}\n"
# How each kind of file is read, a good one, and the error for a bad one.
READERS: dict[str, tuple[Callable[[Path], Any], str, type[PipelineError]]] = {
    "schema": (lambda path: schemas.load(str(path)), SCHEMA, BadConfigurationError),
    "space": (space_file.read, SPACE, BadConfigurationError),
    "config": (lambda path: settings.load({}, path).seed, "seed: 5\n# caf\u00e9\n", BadConfigurationError),
    "query": (lambda path: prepare._sql(str(path)), "SELECT 'caf\u00e9'", UsageError),
    "embedded": (lambda path: embedded_files.read_text(str(path), "--query").strip(), "SELECT 'caf\u00e9'", UsageError),
    "workflow": (linting._read_file, WORKFLOW, BadConfigurationError),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_byte_order_mark_and_other_line_ends_change_nothing(kind: str, tmp_path: Path) -> None:
    read, text, _ = READERS[kind]
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    expected = read(path)
    for other in (MARK + text, text.replace("\n", "\r\n"), MARK + text.replace("\n", "\r")):
        path.write_bytes(other.encode())
        assert read(path) == expected


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.encode("utf-16"), "this is UTF-16 text, UTF-8 is needed, in {path}: save it as UTF-8"),
        (lambda text: text.encode("utf-16-le"), "this is UTF-16 text, UTF-8 is needed"),
        (lambda text: text.encode("utf-32"), "this is UTF-32 text, UTF-8 is needed"),
        (lambda text: text.encode("latin-1"), "this is not UTF-8 text: byte 0xe9 on line"),
        (lambda text: text.replace("caf", "ca\0f").encode(), "there is a NUL byte on line"),
    ],
    ids=["utf-16", "utf-16 without a mark", "utf-32", "latin-1", "nul"],
)
def test_what_is_no_utf_8_is_said_in_one_line(
    kind: str, change: Callable[[str], bytes], words: str, tmp_path: Path
) -> None:
    read, text, error = READERS[kind]
    path = tmp_path / "file"
    path.write_bytes(change(text))
    with pytest.raises(error, match=re.escape(words.format(path=path))) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["schema", "space"])
@pytest.mark.parametrize("value", ["1" * 5000, "[" * 1000, "2026-13-45"], ids=["digits", "nesting", "no date"])
def test_toml_that_python_cannot_read_is_said_in_one_line(kind: str, value: str, tmp_path: Path) -> None:
    read, text, error = READERS[kind]
    (tmp_path / "file").write_text(f"odd = {value}\n{text}", encoding="utf-8")
    with pytest.raises(error, match=r"not (valid )?TOML"):
        read(tmp_path / "file")


@pytest.mark.parametrize("kind", ["config", "workflow"])
@pytest.mark.parametrize("value", ["[" * 1000, "2026-13-45", "1" * 5000], ids=["nesting", "no date", "digits"])
def test_yaml_that_python_cannot_read_is_said_in_one_line(kind: str, value: str, tmp_path: Path) -> None:
    read, text, error = READERS[kind]
    (tmp_path / "file").write_text(f"odd: {value}\n{text}", encoding="utf-8")
    with pytest.raises(error, match="not valid YAML"):
        read(tmp_path / "file")
