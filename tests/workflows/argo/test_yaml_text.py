"""Readers of YAML 1.1, YAML 1.2 and Go read strings in the rendered YAML as the same strings."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from workflows.argo import yaml_text

# Plain scalars that are not strings in the core schema of YAML 1.2 (section 10.3.2).
CORE = re.compile(
    r"(null|Null|NULL|~|)|(true|True|TRUE|false|False|FALSE)|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|(\.nan|\.NaN|\.NAN)"
)
# In go-yaml (resolve.go), which Argo uses: underscores in any number, prefixes in both cases, short dates.
GO = re.compile(
    r"[-+]?0[xX][0-9a-fA-F]+|[-+]?0[bB][01]+|[-+]?0[oO]?[0-7]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
)
GO_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)? ?(Z|[-+]\d\d:?\d\d)?)?")
GO_WORD = re.compile(r"y|n|yes|no|on|off", re.IGNORECASE)
KNOWN = [
    "123456789e12", "1e5", "0x1f", "1_000", "yes", "null", "12:30", ".5", "+1", "0o17", "=", "~", "NaN", ".nan",
    "-.inf", "0b1", "0B1", "0X1F", "1_e5", "2026-1-2", "2026-01-02", "2026-11-21T09:30:00Z", "", "<<", "y", "On", "1.",
    "-", "...", "---", "a: b", "a #b", "#a", "- a", "%a", "@a", "`a", "!a", "&a", "*a", "[a", "{a", "|", ">", "'", '"',
    " a", "a ",
    "a\n", "\na", "  a\nb", "a\n\n", "a\tb", "\t", "a\u2028b", "a\x85\nb", "a\r\nb", "\ufeffa",
    "\U0001f332", "\x00", "\x7f",
    "null\n", "1e5\n", "?", ":", "a:", "1.5e3_0", "190:20:30", "0.", "08", "1e", "1e+", "infinity", "0777",
]  # fmt: skip


def plain_texts(rendered: str) -> list[str]:
    """Return the scalars without quotes in a YAML text."""
    events = yaml.parse(rendered, yaml.SafeLoader)
    return [event.value for event in events if isinstance(event, yaml.ScalarEvent) and event.style is None]


def check(text: str) -> None:
    rendered = yaml_text.to_yaml({"metadata": {"name": text, "labels": {text: "x", "revision": text}}, "list": [text]})
    loaded = yaml.safe_load(rendered)
    assert loaded == {"metadata": {"name": text, "labels": {text: "x", "revision": text}}, "list": [text]}
    for plain in plain_texts(rendered):
        assert not CORE.fullmatch(plain)
        assert not GO.fullmatch(plain.replace("_", ""))
        assert not GO_TIME.fullmatch(plain)
        assert not GO_WORD.fullmatch(plain)
    # YAML 1.2 has fewer line breaks than 1.1, so these must be escaped.
    assert not set(rendered) & set("\r\x85\u2028\u2029")


@pytest.mark.parametrize("text", KNOWN)
def test_known_traps(text: str) -> None:
    check(text)


@given(
    st.text(max_size=12)
    | st.text("0123456789+-._:eExXoObB aAfFtTzZ", max_size=12)
    | st.from_regex(CORE, fullmatch=True)
    | st.from_regex(GO, fullmatch=True)
    | st.text(" \t\n\r\x85\u2028ab#:-", max_size=12)
)
@example("0o_7")
def test_any_text_is_read_back_as_that_text(text: str) -> None:
    check(text)


@given(st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none())
def test_what_is_no_text_stays_what_it_is(value: object) -> None:
    assert yaml.safe_load(yaml_text.to_yaml({"k": value})) == {"k": value}
