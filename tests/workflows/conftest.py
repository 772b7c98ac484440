from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workflows.local.cache import Cache, json_digest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache below ``runs`` with one result of the step ``a``: a file and a folder."""
    (tmp_path / "file").write_text("file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part").write_text("part")
    cache = Cache(tmp_path / "runs" / ".cache")
    outputs = {"file": tmp_path / "file", "folder": tmp_path / "folder"}
    cache.store_result(json_digest({"step": "a"}), "steps.a", outputs, {"note": "n"})
    return cache
