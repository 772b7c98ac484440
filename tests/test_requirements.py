"""The lock files: complete, installed by themselves and nothing else, and the same in the image as here."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steps import NAMES
from workflows.local.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"
BUILDS = {"xgboost", "xgboost-cpu"}
# What the project promises to run on.
ENVIRONMENTS = [
    {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[system],
        "platform_machine": machine,
        "os_name": "posix",
    }
    for python, (system, machine) in product(
        ("3.11", "3.12", "3.13", "3.14"), (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
    )
]


@functools.cache
def locked(*names: str) -> list[Requirement]:
    """Return the pins of lock files, with their markers."""
    lines = [line for name in names for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines()]
    return [Requirement(line.rstrip(" \\")) for line in lines if re.match("[A-Za-z0-9]", line)]


def pins(*names: str) -> dict[str, set[str]]:
    """Return the versions that lock files pin by distribution; markers may give one a version for each Python."""
    found: dict[str, set[str]] = {}
    for pin in locked(*names):
        found.setdefault(pin.name, set()).add(str(pin.specifier))
    return found


def declared() -> list[Requirement]:
    """Return what pyproject.toml asks for."""
    return [
        Requirement(text) for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    ]


@functools.cache
def requirements_of(name: str) -> list[Requirement]:
    """Return what an installed distribution requires in any environment; nothing where it is not installed."""
    try:
        return [Requirement(text) for text in importlib.metadata.requires(name) or []]
    except importlib.metadata.PackageNotFoundError:
        return []


def required(pin: Requirement, extras: set[str], environment: dict[str, str]) -> Iterator[Requirement]:
    """Yield what the installed distribution of a pin requires in an environment; nothing where it is not installed."""
    for requirement in requirements_of(pin.name):
        markers = requirement.marker
        if markers is None or any(markers.evaluate({**environment, "extra": extra}) for extra in {"", *extras}):
            yield requirement


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda e: f"{e['python_version']}-{e['platform_machine']}")
@pytest.mark.parametrize("files", [("run", "xgboost-cpu"), ("run", "xgboost-gpu"), ("dev", "xgboost-cpu")])
def test_the_lock_has_all_that_its_distributions_require(files: tuple[str, ...], environment: dict[str, str]) -> None:
    here = [pin for pin in locked(*files) if pin.marker is None or pin.marker.evaluate(environment)]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}
    assert len(versions) == len(here)  # one version of each
    todo = declared()
    done: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        assert name in versions, f"{wanted} is not in the lock"
        assert wanted.specifier.contains(versions[name], prereleases=True), f"{wanted}, locked is {versions[name]}"
        if (name, frozenset(wanted.extras)) not in done:
            done.add((name, frozenset(wanted.extras)))
            todo += required(Requirement(name), wanted.extras, environment)
    assert {build for build in BUILDS if build in versions}


def test_every_installation_takes_the_lock_and_nothing_else() -> None:
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("containers/*"), *ROOT.glob(".ci/*")]
    files += [ROOT / "Makefile", *(path for path in ROOT.glob("tools/*") if path.suffix != ".py")]
    installs = []
    for path in files:
        text = path.read_text().replace("\\\n", " ")
        installs += [line for line in text.splitlines() if "pip" in line and "install" in line and ".txt" in line]
    assert len(installs) == 6  # two in the Makefile, one in each Dockerfile, two in the documentation
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_an_index_with_newer_versions_changes_nothing(tmp_path: Path, installer: str) -> None:
    """With a requirement that has extras, pip without --no-deps ends with "all requirements must have ... =="."""
    uv = shutil.which("uv")
    if installer == "uv" and uv is None:
        pytest.skip("no uv on the path")
    index = tmp_path / "index"
    hashes = {
        (name, version): wheel(index, name, version, requires)
        for name, version, requires in (
            ("client", "1.0", "auth[tls]>=2.1,<3"),
            ("auth", "2.1", "tls>=1; extra == 'tls'"),
            ("auth", "2.2", "tls>=2; extra == 'tls'"),
            ("tls", "1.0", ""),
            ("tls", "2.0", ""),
        )
    }
    chosen = {"client": "1.0", "auth": "2.1", "tls": "1.0"}
    lock = "".join(f"{name}=={version} --hash=sha256:{hashes[name, version]}\n" for name, version in chosen.items())
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/run.txt").write_text(lock)
    (tmp_path / "requirements/xgboost-cpu.txt").write_text("")
    shutil.copy(ROOT / "Makefile", tmp_path)
    path = [str(Path(uv).parent)] if uv and installer == "uv" else []
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "MAKE"))},
        "PATH": os.pathsep.join([*path, *os.defpath.split(os.pathsep)]),
        "HOME": str(tmp_path / "home"),
        "PIP_INDEX_URL": index.as_uri(),
        "UV_DEFAULT_INDEX": index.as_uri(),
    }
    command = ["make", ".venv/.run-cpu", "VENV=.venv", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "No broken requirements found" in done.stdout
    [site] = tmp_path.glob(".venv/lib/*/site-packages")
    there = {path.name.removesuffix(".dist-info") for path in site.glob("*.dist-info")}
    assert {f"{name}-{version}" for name, version in chosen.items()} <= there
    assert not {"auth-2.2", "tls-2.0"} & there


def wheel(index: Path, name: str, version: str, requires: str) -> str:
    """Put an empty distribution into a local index (PEP 503), and return its SHA-256."""
    extra = "Provides-Extra: tls\n" if "extra" in requires else ""
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    info = f"{name}-{version}.dist-info"
    path = index / name / f"{name}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}{needs}")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    links = "".join(f'<a href="{each.name}">{each.name}</a><br>' for each in sorted(path.parent.glob("*.whl")))
    (path.parent / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_both_builds_of_xgboost_have_one_version() -> None:
    cpu, gpu = pins("xgboost-cpu"), pins("xgboost-gpu")
    assert cpu["xgboost-cpu"] == cpu["xgboost"] == gpu["xgboost"]


def test_nothing_but_the_gpu_build_has_cuda() -> None:
    assert not [name for name in pins("run", "dev", "image", "xgboost-cpu") if "nvidia" in name]
    assert not BUILDS & pins("run", "dev", "image").keys()


def test_the_image_has_every_library_that_steps_import() -> None:
    imported = {
        library.partition("==")[0].lower() for step in NAMES for library in fingerprint(f"steps.{step}").libraries
    }
    assert imported
    assert imported <= pins("image", "xgboost-cpu").keys()


def test_the_image_of_serve_has_what_serve_needs_and_nothing_that_trains() -> None:
    found = pins("serve-image")
    assert not found.keys() & {"scikit-learn", "scipy", "pandas", "matplotlib", "optuna", "skops", *BUILDS}
    assert (
        pins("serve", "signing").keys() | {"botocore", "google-cloud-storage", "llvmlite", "numpy", "pyarrow"}
        <= found.keys()
    )
    here = pins("run", "serve", "signing")
    assert found == {name: here[name] for name in found}


@pytest.mark.parametrize("name", ["image", "dev", "mlflow"])
def test_the_other_locks_have_the_versions_of_a_run(name: str) -> None:
    here, other = pins("run", "signing"), pins(name)
    assert {each: here[each] for each in here.keys() & other.keys()} == {
        each: other[each] for each in here.keys() & other.keys()
    }
    assert name != "image" or other.keys() <= here.keys()


def test_the_image_can_check_signatures() -> None:
    assert pins("signing").keys() <= pins("image").keys()


def test_the_client_and_the_server_of_mlflow_have_one_version() -> None:
    client, server, tests = pins("mlflow"), pins("mlflow-server"), pins("dev")
    assert client["mlflow-skinny"] == server["mlflow-skinny"] == server["mlflow"]
    assert {name: tests[name] for name in client.keys() & tests.keys()} == {
        name: client[name] for name in client.keys() & tests.keys()
    }
