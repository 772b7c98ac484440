"""The scripts that build and push the image, with builders that only write down what they are asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DIGEST = "sha256:" + "0123456789abcdef" * 4
FAKE = """#!/bin/sh
echo "$0 $*" >> "$ASKED"
while [ $# -gt 0 ]; do [ "$1" = --digestfile ] && echo {digest} > "$2"; shift; done
echo "sha: digest: {digest} size: 1"
exit {code}
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put fakes of all builders first on the path; return the file with what they were asked."""
    for tool in ("docker", "podman", "buildah"):
        fake(tmp_path, tool)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    for name in ("IMAGE_BUILDER", "IMAGE_BUILD", "BASE_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "asked"


def fake(folder: Path, tool: str, code: int = 0) -> None:
    path = folder / tool
    path.write_text(FAKE.format(digest=DIGEST, code=code))
    path.chmod(0o755)


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "containers" / name, *arguments], capture_output=True, text=True, check=False)


def test_build_says_what_the_image_is_made_from(asked: Path) -> None:
    assert script("build", "steps:1", "gpu").returncode == 0
    [line] = [line for line in asked.read_text().splitlines() if " build " in line]
    assert "docker build --tag steps:1 --file containers/Dockerfile" in line
    for wanted in ("VARIANT=gpu", "VERSION=0.", "REVISION=", "SOURCE="):
        assert f"--build-arg {wanted}" in line
    assert str(ROOT) not in line
    assert "@" not in line  # neither a user nor a token of the remote's address


@pytest.mark.parametrize("variant", ["serve", "mlflow"])
def test_an_image_without_the_steps_has_a_file_of_its_own(asked: Path, variant: str) -> None:
    assert script("build", "other:1", variant).returncode == 0
    [line] = [line for line in asked.read_text().splitlines() if " build " in line]
    assert f"docker build --tag other:1 --file containers/{variant}.Dockerfile" in line
    assert (ROOT / f"containers/{variant}.Dockerfile").is_file()
    assert "VARIANT" not in line


def test_an_unknown_variant_is_an_error(asked: Path) -> None:
    done = script("build", "steps:1", "tpu")
    assert (done.returncode, done.stderr) == (1, "error: no variant tpu: use cpu, gpu, serve or mlflow\n")
    assert not asked.exists()


def test_a_copy_in_another_repository_has_no_revision(asked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other/copy"
    shutil.copytree(ROOT / "containers", copy / "containers")
    shutil.copy(ROOT / "pyproject.toml", copy)
    commands = ("git init", "git -c user.name=a -c user.email=a@b commit --allow-empty --message=first")
    for command in commands:
        subprocess.run(command.split(), cwd=tmp_path / "other", check=True, capture_output=True)
    subprocess.run([copy / "containers/build", "steps:1"], check=True, capture_output=True)
    assert "REVISION=unknown" in asked.read_text()


def test_build_takes_the_builder_that_works(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(asked.parent, "docker", code=1)  # its daemon does not run
    script("build", "steps:1")
    assert "podman build" in asked.read_text()
    monkeypatch.setenv("IMAGE_BUILDER", "buildah")
    script("build", "steps:1")
    assert "buildah build" in asked.read_text()


def test_build_with_a_command_of_one_s_own(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_BUILD", str(asked.parent / "podman") + " mine")
    monkeypatch.setenv("BASE_IMAGE", "base.example/python:3.11")
    assert script("build", "steps:1").returncode == 0
    [line] = asked.read_text().splitlines()
    assert "podman mine . containers/Dockerfile steps:1 --build-arg" in line
    assert "BASE_IMAGE=base.example/python:3.11" in line


def test_an_unknown_builder_is_an_error(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_BUILDER", "no-such-builder")
    done = script("build", "steps:1")
    assert done.returncode != 0
    assert "error: no program no-such-builder" in done.stderr
    assert not asked.exists()


@pytest.mark.parametrize("tool", ["docker", "podman", "buildah"])
@pytest.mark.usefixtures("asked")
def test_push_prints_the_digest_last(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_BUILDER", tool)
    done = script("push", "steps:1", "registry.example/team/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"registry.example/team/covertype-steps@{DIGEST}"


@pytest.mark.usefixtures("asked")
def test_push_takes_another_name() -> None:
    done = script("push", "serve:1", "registry.example/team", "covertype-serve")
    assert done.stdout.splitlines()[-1] == f"registry.example/team/covertype-serve@{DIGEST}"


@pytest.mark.usefixtures("asked")
def test_push_needs_a_registry() -> None:
    assert "REGISTRY=" in script("push", "steps:1", "").stderr
