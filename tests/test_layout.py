"""Modules and their tests have the same names, and a package's documentation names its modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path.relative_to(ROOT) for name in ("steps", "workflows") for path in (ROOT / name).rglob("*.py"))
# Modules or packages that have tests of other names, and where these are.
TESTED_ELSEWHERE = {
    "steps/__init__.py": ["tests/workflows/test_imports.py"],  # needs a process of its own
    "steps/buckets/destination.py": ["tests/emulators/test_bucket_publishing.py"],
    "steps/buckets/store.py": ["tests/emulators/test_bucket_objects.py"],
    "steps/google": ["tests/emulators"],  # needs an emulator of the service
    "steps/s3": ["tests/emulators"],  # needs an emulator of the service
    "steps/options/__init__.py": ["tests/steps/options/test_options.py"],
    "workflows/cli/doctor/google_checks.py": ["tests/emulators/test_google_checks.py"],
    "workflows/cluster/__init__.py": [
        "tests/workflows/cluster/test_kube.py",
        "tests/workflows/cluster/test_argo_server.py",
    ],
    "workflows/cluster/client.py": ["tests/workflows/cluster/test_kube.py"],  # an interface
    "workflows/interfaces.py": ["tests/workflows/test_pipeline.py"],
}
MOST_MODULES = 12
# The steps themselves, and what runs several of them.
MOST_STEPS = 14
PACKAGES = (
    "core",
    "schema",
    "tables",
    "sources",
    "datasets",
    "bundles",
    "drift",
    "forest",
    "models",
    "search",
    "comparison",
    "prediction",
    "reference",
    "serving",
    "registry",
    "provenance",
    "buckets",
    "google",
    "s3",
    "io",
)


def has_function(module: Path) -> bool:
    tree = ast.parse((ROOT / module).read_text())
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(tree))


def exception_for(module: Path) -> str | None:
    return next((name for name in TESTED_ELSEWHERE if module.as_posix().startswith(name)), None)


UNTESTED = [
    module
    for module in MODULES
    if has_function(module) and not (ROOT / "tests" / module.parent / f"test_{module.stem}.py").is_file()
]


def test_every_module_with_a_function_has_a_test_file_of_its_name() -> None:
    assert [str(module) for module in UNTESTED if exception_for(module) is None] == []


def test_every_exception_is_needed_and_names_tests_that_exist() -> None:
    needed = {exception_for(module) for module in UNTESTED}
    assert [name for name in TESTED_ELSEWHERE if name not in needed] == []
    places = [place for places in TESTED_ELSEWHERE.values() for place in places]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_module_of_a_service_is_in_the_table_of_the_emulator_tests() -> None:
    table = (ROOT / "tests" / "emulators" / "__init__.py").read_text()
    modules = [module.relative_to("steps/google") for module in MODULES if module.is_relative_to("steps/google")]
    modules += [module.relative_to("steps") for module in MODULES if module.is_relative_to("steps/s3")]
    assert [str(module) for module in modules if module.stem != "__init__" and f"`{module}`" not in table] == []
    tests = [name for name in re.findall(r"`([^`\s]+\.py)`", table) if name.rpartition("/")[2].startswith("test_")]
    assert tests
    places = [ROOT / name if "/" in name else ROOT / "tests" / "emulators" / name for name in tests]
    assert [str(place) for place in places if not place.is_file()] == []


def test_contributing_names_every_package() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    packages = [place.parent.relative_to(ROOT).as_posix() for place in ROOT.glob("*/*/__init__.py")]
    own = [name for name in packages if name.startswith(("steps/", "workflows/"))]
    assert len(own) > len(PACKAGES)
    assert [name for name in own if f"`{name}`" not in contributing] == []


@pytest.mark.parametrize(
    "package",
    [
        *(f"steps/{name}" for name in PACKAGES),
        *(
            "steps/google/gcs",
            "steps/google/bigquery",
            "steps/registry/judging",
            "steps/serving/encoding",
            "steps/serving/formats",
            "steps/serving/monitoring",
            "steps/serving/page",
            "steps/serving/transport",
        ),
    ],
)
def test_the_documentation_of_a_package_names_its_modules(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    documentation = ast.get_docstring(tree) or ""
    folder = ROOT / package
    modules = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert {name for name in modules - {"__init__"} if f"``{name}``" not in documentation} == set()
    (public,) = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    names = ast.literal_eval(public)
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(names) == (imported or modules - {"__init__"})


def imports_of(module: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_with_an_underscore_is_imported_by_its_own_package_only(module: Path) -> None:
    for name in imports_of(module):
        package, private, _ = re.sub(r"\.(_[^_.]\w*)", r"|\1|", f"{name}.", count=1).partition("|")
        if private and package.partition(".")[0] in {"steps", "workflows"}:
            own = ".".join(module.parent.parts)
            assert own == package or own.startswith(f"{package}."), name


@pytest.mark.parametrize("folder", sorted({module.parent for module in MODULES}), ids=str)
def test_a_package_has_a_handful_of_modules(folder: Path) -> None:
    modules = [path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= (MOST_STEPS if folder == Path("steps") else MOST_MODULES), modules


def test_no_module_is_long() -> None:
    lines = {str(module): (ROOT / module).read_text().count("\n") for module in MODULES}
    assert {name: count for name, count in lines.items() if count > 300} == {}
