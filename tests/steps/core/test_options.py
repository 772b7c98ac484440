"""Options that are declared once, on a command line."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from steps.core import quantities
from steps.core.errors import UsageError
from steps.core.options import Notation, Option, Overrides, Scope, declared, with_flags
from tests.support import call


class Colour(enum.StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


def _lower(text: str) -> str:
    if not text.isascii():
        raise UsageError("not ASCII", fix="write it otherwise")
    return text.lower()


_BYTES = Notation(quantities.parse_bytes, quantities.format_bytes)


@dataclass(frozen=True, kw_only=True)
class Options:
    rows: Annotated[int, Option("Rows.", Scope.FORM, minimum=0, maximum=9)] = 3
    share: Annotated[float, Option("Share.", Scope.SET, minimum=0, maximum=1)] = 0.5
    limit: Annotated[float | None, Option("Limit.", above=0)] = None
    colour: Annotated[Colour, Option("Colour.")] = Colour.RED
    name: Annotated[str, Option("Name.", check=_lower)] = ""
    size: Annotated[int, Option("Size.", minimum=0, maximum=4096, notation=_BYTES, metavar="BYTES")] = 1024
    _own: int = 0


BY_NAME = {option.name: option for option in declared(Options)}


def test_what_a_field_declares() -> None:
    assert list(BY_NAME) == ["rows", "share", "limit", "colour", "name", "size"]
    rows, limit, colour = BY_NAME["rows"], BY_NAME["limit"], BY_NAME["colour"]
    assert (rows.kind, rows.optional, rows.default, rows.option.scope) == (int, False, 3, Scope.FORM)
    assert (limit.kind, limit.optional, limit.default, limit.option.scope) == (float, True, None, Scope.STEP)
    assert colour.choices == ("red", "dark-blue")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("rows", 9, None),
        ("rows", "9", None),
        ("rows", "9.0", "a whole number is needed"),
        ("rows", 2.0, None),
        ("rows", 2.5, "a whole number is needed"),
        ("rows", True, "a whole number is needed"),
        ("rows", 10, "a number from 0 to 9 is needed"),
        ("rows", 10**400, "a whole number is needed"),
        ("rows", "many", "a whole number is needed"),
        ("share", "nan", "a number is needed"),
        ("share", "1e-3", None),
        ("share", None, "a number is needed"),
        ("limit", 0, "a number above 0 is needed; leave it out for no limit"),
        ("limit", "", None),
        ("limit", None, None),
        ("size", "2 KiB", None),
        ("size", 5000, "a number from 0 to 4096 is needed"),
        ("size", "5 kB", "a number from 0 to 4096 is needed"),
        ("size", "5 km", "a number of bytes is needed, such as 10 GB or 2 TiB"),
        ("limit", 1e-9, None),
        ("colour", "dark-blue", None),
        ("colour", Colour.RED, None),
        ("colour", "blue", "use one of red, dark-blue"),
        ("name", "anything", None),
        ("name", "é", "not ASCII: write it otherwise"),
        ("name", 1, "a text is needed"),
    ],
)
def test_values_that_are_accepted(name: str, value: object, problem: str | None) -> None:
    assert BY_NAME[name].problem(value) == problem


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_no_value_ends_in_an_exception(value: object) -> None:
    for option in BY_NAME.values():
        assert option.problem(value) is None or isinstance(option.problem(value), str)


seen: dict[str, Any] = {}


def own(*, path: Annotated[str, typer.Option()], options: Options) -> None:
    seen.update(path=path, options=options)


def overrides(*, values: Annotated[dict[str, Any], Overrides(Options)]) -> None:
    seen.update(values=values)


def test_the_flags_of_a_dataclass() -> None:
    assert call(own, "--path=p", "--rows=4", "--colour=dark-blue", "--limit=", "--name=ABC", "--size=3 KiB").code == 0
    assert seen["options"] == Options(rows=4, colour=Colour.DARK_BLUE, name="abc", size=3072)
    assert isinstance(seen["options"].colour, Colour)
    assert call(own, "--path=p", "--limit=2.5").code == 0
    assert seen["options"] == Options(limit=2.5)


def test_flags_that_are_given_alone() -> None:
    assert call(overrides, "--share=0.25").code == 0
    assert seen["values"] == {"share": 0.25}
    assert call(overrides).code == 0
    assert seen["values"] == {}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--rows=10"], "error: Invalid value for '--rows': '10': a number from 0 to 9 is needed: see --help"),
        (["--share=nan"], "error: Invalid value for '--share': 'nan': a number is needed: see --help"),
        (["--limit=0"], "error: Invalid value for '--limit': '0': a number above 0 is needed; leave it out"),
        (["--colour=blue"], "error: Invalid value for '--colour': 'blue': use one of red, dark-blue: see --help"),
        (["--name=é"], "error: not ASCII, in --name: write it otherwise"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_flag(words: list[str], line: str) -> None:
    result = call(own, "--path=p", *words)
    assert result.code == 2
    assert result.log.startswith(line), result.log
    assert len(result.log.splitlines()) == 1


def test_a_value_is_written_as_its_step_reads_it() -> None:
    assert BY_NAME["limit"].text(None) == ""
    assert (BY_NAME["limit"].text(60.0), BY_NAME["limit"].text(0.5)) == ("60", "0.5")
    assert (BY_NAME["size"].text(2048), BY_NAME["size"].text(2049)) == ("2 KiB", "2049")
    assert BY_NAME["colour"].text(Colour.RED) == "red"


def test_help_texts_state_limits_and_choices() -> None:
    metavars = [option.metavar for option in BY_NAME.values()]
    assert metavars == [
        "<int> [0<=x<=9]",
        "<float> [0<=x<=1]",
        "<float> [0<x]",
        "<red|dark-blue>",
        None,
        "BYTES [0<=x<=4096]",
    ]


def test_help_texts_are_the_declarations() -> None:
    text = call(own, "--help").log
    assert all(option.option.help in text for option in BY_NAME.values())
    assert with_flags(own).__name__ == "own"
