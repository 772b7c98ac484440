"""The code of a step and the versions of the libraries that it imports: its result depends on both.

They are found by following import statements through the modules of the project, without importing anything.
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

# Suffixes of the files that the modules of a package read, besides Python: settings, and templates of the report.
_DATA_SUFFIXES = ("toml", "css", "html")
_NAMES = {
    "sklearn": ("scikit-learn",),
    "yaml": ("pyyaml",),
    "google_crc32c": ("google-crc32c",),
    "grpc": ("grpcio",),
    "google": ("google-cloud-bigquery", "google-cloud-bigquery-storage", "google-cloud-storage"),
}
# Distributions that install the same import package. One of them is installed, and equal versions give equal results.
_BUILDS = {"xgboost": ("xgboost-cpu", "xgboost")}


@dataclass(frozen=True)
class Fingerprint:
    """What the result of a step depends on besides its inputs.

    Attributes:
        modules: names of the project's modules that the step uses.
        code_sha256: digest of their code.
        libraries: ``name==version`` of the installed distributions that they import.
    """

    modules: tuple[str, ...]
    code_sha256: str
    libraries: tuple[str, ...]


@dataclass(frozen=True)
class _Code:
    """The code of a module and of everything that it imports.

    Attributes:
        sha256: digest of the module, which includes the digests of the modules that it imports.
        modules: names of all these modules.
        foreign: names of the imported packages that do not belong to the project.
    """

    sha256: str
    modules: frozenset[str]
    foreign: frozenset[str]


@cache
def fingerprint(module: str) -> Fingerprint:
    """Return the fingerprint of a module, such as ``steps.train``, and of all it imports.

    The digest does not depend on where modules lie: a module that is moved, with the imports of it, changes no result.
    A data file counts for all modules of the package that contains it, so that a template of the report changes the
    fingerprint of the report alone.
    """
    root = _path_of(module.partition(".")[0])
    if root is None or _path_of(module) is None:
        raise BadConfigurationError(f"there is no module {module}", fix="install the project in this environment")
    code = _code(module)
    digest = hashlib.sha256(code.sha256.encode())
    for data in _data_files(root.parent, code.modules):
        digest.update(f"{data.name}\0".encode() + data.read_bytes() + b"\0")
    return Fingerprint(tuple(sorted(code.modules)), digest.hexdigest(), _libraries(set(code.foreign)))


def _data_files(root: Path, modules: frozenset[str]) -> list[Path]:
    """Return the data files below a top-level package that belong to a package of one of these modules, sorted."""
    packages = {package for module in modules for package in _with_parents(module)}
    files = sorted(path for suffix in _DATA_SUFFIXES for path in root.rglob(f"*.{suffix}"))
    return [path for path in files if _package_of(path, root) in packages]


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _package_of(path: Path, root: Path) -> str:
    """Return the name of the innermost package whose folder contains a file."""
    folder = next(parent for parent in path.parents if parent == root or (parent / "__init__.py").is_file())
    return ".".join(folder.relative_to(root.parent).parts)


@cache
def _code(module: str) -> _Code:
    """Return the code of a module. In its digest, the digest of each imported module replaces the import statement."""
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
    """Return the source file of a module without importing it; None where there is no module of this name."""
    package, *rest = name.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


# Fields of a node with the statements that it contains.
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def _imports(source: bytes) -> list[ast.stmt]:
    """Return the import statements of a file and the ``if TYPE_CHECKING`` blocks, in order."""
    found: list[ast.stmt] = []
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        ):
            found.append(node)
        else:  # expressions, nine of ten nodes, contain no import
            todo += [child for name in _BLOCKS for child in getattr(node, name, ())]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names that a statement may import: both ``a`` and ``a.b`` for ``from a import b``."""
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
    """Return ``name==version`` of the distributions behind an import name.

    The import name is tried as the name of a distribution first, because reading the contents of all installed
    distributions takes a second.
    """
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
