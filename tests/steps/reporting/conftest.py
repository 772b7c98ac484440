from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report_files import ReportFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> ReportFiles:
    return ReportFiles(tmp_path)
