"""What a step's result depends on besides its inputs: its code and the versions of the libraries that code imports.

Found out from the import statements, followed through the project's own modules; nothing is imported for it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from steps.errors import BadConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = {
    "sklearn": ("scikit-learn",),
    "yaml": ("pyyaml",),
    "google_crc32c": ("google-crc32c",),
    "grpc": ("grpcio",),
    "google": ("google-cloud-bigquery", "google-cloud-bigquery-storage", "google-cloud-storage"),
}
# Distributions that are the same library to Python, of which one is installed: equal versions give equal results.
_BUILDS = {"xgboost": ("xgboost-cpu", "xgboost")}


@dataclass(frozen=True)
class Fingerprint:
    """``modules`` are the project's modules a step uses, ``libraries`` the installed distributions with versions."""

    modules: tuple[str, ...]
    code_sha256: str
    libraries: tuple[str, ...]


@cache
def fingerprint(module: str) -> Fingerprint:
    """Return the fingerprint of a module, such as ``steps.train``, and of all it imports."""
    package = module.partition(".")[0]
    todo: list[str] = [module]
    files: dict[str, Path] = {}
    foreign: set[str] = set()
    while todo:
        name = todo.pop()
        top = name.partition(".")[0]
        if top != package:
            foreign.add(top)
        elif name not in files and (path := _path_of(name)):
            files[name] = path
            todo += _imports(path)
    if module not in files:
        raise BadConfigurationError(f"there is no module {module}", fix="install the project in this environment")
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    for data in sorted(path for kind in ("toml", "css") for path in files[module].parent.glob(f"data/*.{kind}")):
        digest.update(f"{data.name}\0".encode() + data.read_bytes() + b"\0")
    return Fingerprint(tuple(sorted(files)), digest.hexdigest(), _libraries(foreign))


def _path_of(name: str) -> Path | None:
    """Return the source file of a module of the project, without importing it; None where the name is no module."""
    package, *rest = name.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return the names a file may import: of ``from a import b`` both ``a`` and ``a.b``, which may be a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _libraries(top_level: set[str]) -> tuple[str, ...]:
    """Return ``name==version`` of the installed distributions behind import names, sorted."""
    found = {library for top in top_level - sys.stdlib_module_names for library in _distributions(top)}
    return tuple(sorted(found))


@cache
def _distributions(top: str) -> tuple[str, ...]:
    """Look a distribution up by its import name first: reading what all installed ones contain takes a second."""
    try:
        return _with_versions(_NAMES.get(top, (top,)))
    except importlib.metadata.PackageNotFoundError:
        return _with_versions(importlib.metadata.packages_distributions().get(top, []))


def _with_versions(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}=={_version(name)}" for name in names)


def _version(name: str) -> str:
    """Return the installed version of a distribution; PackageNotFoundError where none of its builds is installed."""
    *others, last = _BUILDS.get(name, (name,))
    for build in others:
        with suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(build)
    return importlib.metadata.version(last)
