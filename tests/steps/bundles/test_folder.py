from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.bundles import folder
from steps.core.errors import BadDataError, NoInputError
from tests.support import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(models: Path) -> Path:
    return next(path for path in sorted(models.iterdir()) if path.is_dir())


def test_the_metadata_of_a_whole_bundle_is_returned(bundle: Path) -> None:
    facts = folder.check(bundle)
    assert facts == json.loads((bundle / folder.METADATA).read_text())
    assert folder.schema_of(facts) == SCHEMA


@pytest.mark.parametrize("name", [folder.MODEL, folder.PREPROCESSOR])
def test_a_changed_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes((bundle / name).read_bytes() + b" ")
    with pytest.raises(BadDataError, match="checksum does not match the metadata"):
        folder.check(bundle)


@pytest.mark.parametrize("name", [folder.METADATA, folder.MODEL, folder.PREPROCESSOR])
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(NoInputError, match=f"no {name}"):
        folder.check(bundle)


def test_wrong_metadata_is_named(bundle: Path) -> None:
    (bundle / folder.METADATA).write_text('{"cover_type": "aspen"}')
    with pytest.raises(BadDataError, match="'label' is missing or wrong"):
        folder.check(bundle)
