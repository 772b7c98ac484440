from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from steps.comparison.policy import BUNDLED, ClassValues, Policy, parse_policy, read_policy
from steps.core.errors import BadConfigurationError, NoInputError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_file_has_the_defaults() -> None:
    assert read_policy() == Policy() == parse_policy("", "empty")
    assert json.loads(json.dumps(read_policy().to_dict()))["margins"]["f1"] == 0.005


def test_every_key_is_in_the_file_once_the_optional_ones_are_uncommented() -> None:
    lines = [line.removeprefix("# ") for line in BUNDLED.read_text().splitlines()]
    text = "\n".join(line for line in lines if line.startswith("[") or " = " in line)
    found = parse_policy(text, "all")
    document = found.to_dict()
    assert found.margins.cover_types == {"krummholz": ClassValues(0.01, 0.01)}
    assert found.floors.cover_types == {"krummholz": ClassValues(0.8, 0.8)}
    for table in ("margins", "floors", "slices", "limits"):
        assert None not in document[table].values(), table


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text('promote = ["better", "not worse"]\n[limits]\nsize_bytes = 7\n')
    found = read_policy(tmp_path / "gate.toml")
    assert found.promote == ("better", "not worse")
    assert (found.limits.size_bytes, found.limits.size_ratio) == (7, None)
    assert found.margins == Policy().margins


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("promote = [", "policy: not TOML"),
        ("margin = 1", "policy: unknown key 'margin', use one of promote, confidence"),
        ("[margins]\nf2 = 0.1", "unknown key 'margins.f2', use one of f1, pr_auc"),
        ("[margins]\nf1 = '0.1'", "'margins.f1' must be a number, not '0.1'"),
        ("[margins]\nf1 = true", "'margins.f1' must be a number, not True"),
        ("[margins]\nf1 = nan", "'margins.f1' must be from 0 to 1, not nan"),
        ("[margins]\nf1 = -0.1", "'margins.f1' must be from 0 to 1, not -0.1"),
        ("[margins]\nlog_loss = -1", "'margins.log_loss' must be 0 or more, not -1"),
        ("[margins]\nlog_loss = inf", "'margins.log_loss' must be 0 or more and at most 1e+15, not inf"),
        ("[limits]\nsize_ratio = inf", "'limits.size_ratio' must be 0 or more and at most 1e+15, not inf"),
        (f"[limits]\nsize_bytes = 1{'0' * 400}", "'limits.size_bytes' must be 1 or more and at most 1e+15, not 10"),
        ("margins = 1", "'margins' must be a table"),
        ("[margins]\ncover_types = 1", "'margins.cover_types' must be a table"),
        ("[margins.cover_types.aspen]\naccuracy = 1", "unknown key 'margins.cover_types.aspen.accuracy'"),
        ("[margins.cover_types]\naspen = 1", "'margins.cover_types.aspen' must be a table"),
        ("minimum_positive = 1.5", "'minimum_positive' must be a whole number, not 1.5"),
        ("minimum_positive = 0", "'minimum_positive' must be 1 or more, not 0"),
        ("confidence = 1", "'confidence' must be from 0.5 to 0.9999, not 1"),
        ("promote = 'better'", "'promote' must be a list of strings"),
        ("promote = ['worse']", "'promote' cannot have 'worse', use some of better, not worse"),
        ("[slices]\nnames = [1]", "'slices.names' must be a list of strings"),
        ("[slices]\nnames = ['a', 'b', 'a']", "'slices.names' has 'a' twice"),
        ("promote = ['better', 'better']", "'promote' has 'better' twice"),
        ("confidence = nan", "'confidence' must be from 0.5 to 0.9999, not nan"),
        ("[floors]\nf1 = 1979-05-27", "'floors.f1' must be a number, not datetime.date(1979, 5, 27)"),
        ("[margins]\n'a\\nb' = 1", r"unknown key 'margins.a\\nb'"),
        ("[margins]\nf1 = 0\nf1 = 0", "policy: not TOML"),
        ("[reference]\ntable = 1", "'reference.table' must be the address of a table, not 1"),
        ("[reference]\ntable = 'ftp://x'", "'reference.table': unknown kind of source ftp://"),
        ("[reference]\ntable = 's3://me:secret@bucket/x'", "'reference.table': an address must not hold a user name"),
        ("a = " + "[" * 10_000, "policy: not TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(BadConfigurationError) as found:
        read_policy(path)
    assert message in str(found.value)
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


def test_a_missing_policy_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no such policy file"):
        read_policy(tmp_path / "gate.toml")


def test_a_margin_is_wider_for_a_small_class_unless_it_is_given() -> None:
    margins = parse_policy("[margins]\npr_auc = 0.03\n[margins.cover_types.aspen]\nf1 = 0.001", "x").margins
    assert margins.of("f1", "krummholz", 400) == pytest.approx(1 / math.sqrt(400))
    assert margins.of("f1", "krummholz", 1_000_000) == 0.005
    assert margins.of("f1", "aspen", 400) == 0.001
    assert margins.of("pr_auc", "aspen", 40_000) == 0.03
    assert margins.of("accuracy", None, None) == 0.002


def test_a_floor_of_one_cover_type_comes_first() -> None:
    floors = parse_policy("[floors]\nf1 = 0.5\n[floors.cover_types.aspen]\nf1 = 0.7", "x").floors
    assert (floors.of("f1", "aspen"), floors.of("f1", "krummholz"), floors.of("pr_auc", "aspen")) == (0.7, 0.5, None)
    assert floors.of("accuracy", None) is None
