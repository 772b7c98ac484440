"""Texts and numbers, from common to unusual, from which the other strategies choose."""

from __future__ import annotations

import math

from hypothesis import strategies as st

SPELLED_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "n/a", "#N/A", "-nan")
# Texts that some reader, writer or shell interprets as something else.
ODD_TEXTS = (
    *SPELLED_MISSING,
    *(" ", "  a", "a ", "a b", "weight [kg]", "a<b>", "a,b", "a;b", "a\tb", 'a"b', "'", '"', "a\nb", "a\rb", "\u2028"),
    *("#", "# a", "a#b", "=", "@a", "-", "--", "-1", "+5", "0", "1", "01", "1.0", "1e5", "123456789e12", "0x1F", "0o7"),
    *("1_000", "inf", "-inf", ".inf", ".nan", "~", "y", "no", "true", "True", "false", "off", "2026-11-21", "12:30:45"),
    *("{{workflow.name}}", "{{inputs.parameters.seed}}", "{{", "}}", "{a}", "%s", "%(a)s", "$HOME", "`a`", "\\", "\\n"),
    *("<script>alert(1)</script>", "&amp;", "</text>", "[red]a[/red]", "[/]", "[bold", "a=b", "a.b", "a:b", "a|b", "*"),
    *("split", "label", "row", "score", "f0", "index", "__index_level_0__", "Unnamed: 0", "class", "_names", "name"),
    *("é", "e\u0301", "ß", "İ", "ﬁ", "日本語", "العربية", "\u202eabc", "a\u200bb", "\ufeffa", "\u00a0", "🌲", "👩‍👩‍👧"),
    "\U0010ffff",
    *("\x00", "a\x00b", "\x01", "\x1b[31m", "\x7f", "\x85", "\ufffe", "a" * 300, "é" * 150),
)
ODD_SLUGS = (
    *("report", "prepare", "register", "pipeline", "split", "preprocess", "tune", "train", "evaluate", "chain"),
    *("cover-type", "model", "dataset", "profile", "usage", "schema", "label", "row", "workflow", "covertype"),
    *("2-seater", "7", "0", "1e5", "0x1", "123456789e12", "true", "null", "no", "y", "inf", "nan", "2026-11-21"),
    *("a" * 40, "a" * 41, "a" * 63, "a--b", "-a", "a-", "-", "", "A", "Oak", "é", "a_b", "a.b", "a b", "a/b", "../a"),
    *("a\n", "a\nb", "a\x00", "succeeded", "failed", "{{workflow.name}}", "a=b", "\uff41", "²"),
)
ODD_NUMBERS = (
    *(0, -0.0, 0.1, -1, 1.5, 127, 128, 255, 256, 32767, 32768, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63),
    *(2**64, 10**30, -(2**63), -(2**63) - 1, 1e38, 3.5e38, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan),
)

texts = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x7F), max_size=8),
)
slugs = st.one_of(st.sampled_from(ODD_SLUGS), st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), texts)
numbers = st.one_of(st.sampled_from(ODD_NUMBERS), st.integers(), st.floats())
