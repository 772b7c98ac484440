from __future__ import annotations

import pytest

from steps.registry import paths


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a", True),
        ("a.b_c-1", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("", False),
        ("../a", False),
        ("..", False),
        ("-a", False),
        ("a/b", False),
        ("a\0", False),
        ("a\n", False),
        ("\udcff", False),
        ("ä", False),
        (1, False),
        (None, False),
        (["a"], False),
    ],
)
def test_names_of_versions(name: object, valid: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert paths.is_valid_name(name) == valid


def test_the_paths() -> None:
    assert paths.version_path("a") == "versions/a"
    assert paths.alias_path("champion") == "aliases/champion.json"
    assert paths.decision_path("a", 2) == "decisions/a/2.json"
    assert paths.metrics_path("aspen") == "models/aspen/metrics.json"
