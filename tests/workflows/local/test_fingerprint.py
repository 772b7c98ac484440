"""The digest of a step's code: it changes with what the code does, and not with where it lies."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadConfigurationError
from workflows.local import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "made_up_package"
STEP = f"""\
import json

from {NAME}.arithmetic import double
from {NAME} import constants as numbers


def main(value):
    return json.dumps(double(value) + numbers.ONE)
"""
FILES = {
    "__init__.py": "",
    "step.py": STEP,
    "arithmetic.py": f"from {NAME} import constants\n\n\ndef double(value):\n    return value * (constants.ONE + 1)\n",
    "constants.py": "ONE = 1\n",
    "other_constants.py": "ONE = 1.0\n",
    "unused.py": "ZERO = 0\n",
    "data/limits.toml": "largest = 7\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a step that imports two modules, one of them through the other, with a data file."""
    folder = tmp_path / NAME
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    forget()


def forget() -> None:
    importlib.invalidate_caches()
    for cached in (fingerprint.fingerprint, fingerprint._code, fingerprint._path_of, fingerprint._is_bare_package):
        cached.cache_clear()


def digest(module: str = f"{NAME}.step") -> str:
    forget()
    return fingerprint.fingerprint(module).code_sha256


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_modules_and_libraries_are_those_that_the_step_imports(package: Path) -> None:
    forget()
    found = fingerprint.fingerprint(f"{NAME}.step")
    assert found.modules == tuple(f"{NAME}.{name}" for name in ("arithmetic", "constants", "step"))
    assert found.libraries == ()
    replace(package / "constants.py", "ONE", "import yaml\nONE")
    forget()
    (library,) = fingerprint.fingerprint(f"{NAME}.step").libraries
    assert library.lower().startswith("pyyaml==")


def test_a_module_that_moves_changes_nothing(package: Path) -> None:
    before = digest()
    (package / "below").mkdir()
    (package / "below" / "__init__.py").touch()
    shutil.move(package / "constants.py", package / "below" / "constants.py")
    for name in ("step.py", "arithmetic.py"):
        replace(package / name, f"from {NAME} import constants", f"from {NAME}.below import constants")
    assert digest() == before


def test_a_package_that_does_something_when_it_is_imported_is_part_of_the_digest(package: Path) -> None:
    (package / "below").mkdir()
    shutil.move(package / "constants.py", package / "below" / "constants.py")
    for name in ("step.py", "arithmetic.py"):
        replace(package / name, f"from {NAME} import constants", f"from {NAME}.below import constants")
    digests = []
    for text in ('"""Constants."""\n\n__all__ = ["constants"]\n', "", "import sys\n", "ONE = 1\n"):
        (package / "below" / "__init__.py").write_text(text)
        digests.append(digest())
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_a_step_that_moves_changes_nothing(package: Path) -> None:
    before = digest()
    (package / "below").mkdir()
    (package / "below" / "__init__.py").touch()
    shutil.move(package / "step.py", package / "below" / "renamed.py")
    assert digest(f"{NAME}.below.renamed") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("step.py", "+ numbers.ONE", "- numbers.ONE"),
        ("arithmetic.py", "value *", "value +"),
        ("constants.py", "ONE = 1", "ONE = 2"),
        ("step.py", f"from {NAME} import constants as", f"from {NAME} import other_constants as"),
        ("step.py", "import json", "import pickle as json"),
        ("step.py", "import double", "import triple as double"),
        ("data/limits.toml", "7", "8"),
    ],
    ids=["own body", "body of an import", "behind an import", "other module", "other library", "other name", "data"],
)
def test_what_changes_a_result_changes_the_digest(package: Path, file: str, old: str, new: str) -> None:
    before = digest()
    replace(package / file, old, new)
    assert digest() != before


def test_a_data_file_that_is_renamed_changes_the_digest(package: Path) -> None:
    before = digest()
    (package / "data" / "limits.toml").rename(package / "data" / "bounds.toml")
    assert digest() != before


def test_a_module_that_is_not_imported_changes_nothing(package: Path) -> None:
    before = digest()
    replace(package / "unused.py", "ZERO = 0", "ZERO = 1")
    replace(package / "other_constants.py", "1.0", "2.0")
    assert digest() == before


def test_imports_for_type_checkers_change_nothing(package: Path) -> None:
    replace(package / "step.py", "import json\n", "import json\nfrom typing import TYPE_CHECKING\n")
    block = f"if TYPE_CHECKING:\n    from {NAME} import unused\n"
    replace(package / "step.py", "\n\ndef main", f"\n{block}\n\ndef main")
    with_block = digest()
    replace(package / "unused.py", "ZERO = 0", "ZERO = 1")
    assert digest() == with_block
    assert f"{NAME}.unused" not in fingerprint.fingerprint(f"{NAME}.step").modules


def test_nothing_is_imported(package: Path) -> None:
    replace(package / "step.py", "import json", "raise SystemExit")
    assert digest()
    assert NAME not in sys.modules


@pytest.mark.parametrize("module", [f"{NAME}.absent", "absent_package.step"])
def test_a_module_that_is_not_there(package: Path, module: str) -> None:
    assert package.is_dir()
    with pytest.raises(BadConfigurationError, match=f"there is no module {module}"):
        digest(module)
