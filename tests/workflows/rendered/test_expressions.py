from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import BadConfigurationError
from workflows.rendered import expressions

RESULTS = {"a": "Succeeded", "b": "Failed", "c": "Omitted", "d-1": "Errored", "e": "Skipped"}


@pytest.mark.parametrize(
    ("depends", "expected"),
    [
        ("", True),
        ("a", True),
        ("b", False),
        ("c", False),
        ("e", True),
        ("b.Failed", True),
        ("a && b.Failed", True),
        ("a && b", False),
        ("b || a", True),
        ("!b", True),
        ("!(a || b)", False),
        ("(a.Succeeded || a.Failed) && (d-1.Failed || d-1.Errored)", True),
        ("b && b || a", True),
        ("a || b && b", True),
        ("c.Omitted&&d-1.Errored", True),
    ],
)
def test_depends(depends: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert expressions.evaluate_depends(depends, RESULTS) is expected


@pytest.mark.parametrize("depends", ["a &&", "(a", "a b", "a.Nonsense", "&& a", "a ? b", ")", "!"])
def test_depends_that_cannot_be_read(depends: str) -> None:
    with pytest.raises(BadConfigurationError, match="depends"):
        expressions.evaluate_depends(depends, RESULTS)


@pytest.mark.parametrize(
    ("when", "expected"),
    [("", True), ("0 != 0", False), ("40 != 0", True), ("a-b == a-b", True), ("a == b", False), (" 1.5!=1 ", True)],
)
def test_when(when: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert expressions.evaluate_when(when) is expected


@pytest.mark.parametrize("when", ["1", "1 > 0", "a == b && c == d", "== 1", "{{=1 == 1}}"])
def test_when_that_cannot_be_read(when: str) -> None:
    with pytest.raises(BadConfigurationError, match="compare two values by == or !="):
        expressions.evaluate_when(when)


def test_tasks_in() -> None:
    assert expressions.task_names("(a.Succeeded || b-2) && !c.Failed") == {"a", "b-2", "c"}


@given(
    st.recursive(
        st.sampled_from(["a", "b", "c", "a.Failed", "b.Failed", "c.Omitted"]),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} && {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} || {pair[1]})"),
            inner.map(lambda part: f"!{part}"),
        ),
        max_leaves=12,
    )
)
def test_depends_agrees_with_python(depends: str) -> None:
    as_python = depends.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    names = {"a.Failed": "False", "b.Failed": "True", "c.Omitted": "True"}
    for name, value in names.items():
        as_python = as_python.replace(name, value)
    expected = eval(as_python, {"a": True, "b": False, "c": False})  # noqa: S307 - made above
    assert expressions.evaluate_depends(depends, RESULTS) is expected


def test_substitute() -> None:
    assert expressions.substitute_variables("x={{ a.b }}-{{c}}", {"a.b": "1", "c": "2"}) == "x=1-2"
    with pytest.raises(BadConfigurationError, match=r"{{c}} does not resolve"):
        expressions.substitute_variables("{{c}}", {})
