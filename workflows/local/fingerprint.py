"""What a step's result depends on besides its inputs: its code and the versions of the libraries that code imports.

Found out from the import statements, followed through the project's own modules; nothing is imported for it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import itertools
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Files of a package, besides its modules, that its steps read.
_DATA = ("toml", "css", "html")
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


@dataclass(frozen=True)
class _Code:
    """A module's digest, with those of the modules it imports in it; all modules behind it; and foreign packages."""

    sha256: str
    modules: frozenset[str]
    foreign: frozenset[str]


@cache
def fingerprint(module: str) -> Fingerprint:
    """Return the fingerprint of a module, such as ``steps.train``, and of all it imports.

    The digest does not depend on where modules lie: a module that is moved, with the imports of it, changes no result.
    """
    root = _path_of(module.partition(".")[0])
    if root is None or _path_of(module) is None:
        raise BadConfigurationError(f"there is no module {module}", fix="install the project in this environment")
    code = _code(module)
    digest = hashlib.sha256(code.sha256.encode())
    for data in sorted(path for kind in _DATA for path in root.parent.rglob(f"*.{kind}")):
        digest.update(f"{data.name}\0".encode() + data.read_bytes() + b"\0")
    return Fingerprint(tuple(sorted(code.modules)), digest.hexdigest(), _libraries(set(code.foreign)))


@cache
def _code(module: str) -> _Code:
    """Return a module's digest: of its source, in which the digest of each imported module stands for its import."""
    path = _path_of(module)
    source = path.read_bytes() if path else b""
    starts = [0, *itertools.accumulate(len(line) for line in source.splitlines(keepends=True))]
    parts: list[bytes] = []
    modules, foreign, end = {module}, set[str](), 0
    for node in _imports(source):
        first, last = starts[node.lineno - 1] + node.col_offset, starts[(node.end_lineno or 0) - 1]
        parts.append(source[end:first])
        end = last + (node.end_col_offset or 0)
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        parts.append(_bindings(node, module.partition(".")[0]).encode())
        for name in _imported(node):
            if name.partition(".")[0] != module.partition(".")[0]:
                foreign.add(name.partition(".")[0])
            elif _path_of(name) and not f"{module}.".startswith(f"{name}."):
                found = _code(name)
                if not _is_bare_package(name):
                    parts.append(found.sha256.encode())
                modules |= found.modules
                foreign |= found.foreign
    parts.append(source[end:])
    return _Code(hashlib.sha256(b"\0".join(parts)).hexdigest(), frozenset(modules), frozenset(foreign))


@cache
def _path_of(name: str) -> Path | None:
    """Return the source file of a module of the project, without importing it; None where the name is no module."""
    package, *rest = name.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _imports(source: bytes) -> list[ast.stmt]:
    """Return the import statements of a file, in order, and the blocks with imports that only type checkers read."""
    found: list[ast.stmt] = []
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        ):
            found.append(node)
        else:
            todo += ast.iter_child_nodes(node)
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names a statement may import: of ``from a import b`` both ``a`` and ``a.b``, which may be a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def _bindings(node: ast.Import | ast.ImportFrom, project: str) -> str:
    """Return the names that an import statement binds, each with the name that it imports.

    A module of the project has no name of its own here: its digest stands for it, so that it may move.
    """
    bindings = []
    for alias in node.names:
        source = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        imported = f"{source}{alias.name}"
        if imported.partition(".")[0] == project:
            imported = "" if _path_of(imported) else alias.name
        bindings.append(f"{imported} as {alias.asname or alias.name.rpartition('.')[2]}")
    return ",".join(bindings)


@cache
def _is_bare_package(name: str) -> bool:
    """Return whether a package's ``__init__`` has no code: a docstring and ``__all__`` at most."""
    path = _path_of(name)
    if path is None or path.name != "__init__.py":
        return False
    return all(
        (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"])
        for node in ast.parse(path.read_bytes()).body
    )


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
