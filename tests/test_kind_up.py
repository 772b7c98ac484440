"""``k8s/kind-up`` with fakes of kind, kubectl and docker; ``.ci/kind`` runs it with the real ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A program that writes down its arguments. It fails if they start with a line of the file `failing`.
FAKE = """#!/bin/bash
echo "${0##*/} $*" >>"$FAKES/asked"
case "${0##*/} $*" in "kind get clusters"*) cat "$FAKES/clusters" ;; *"--filename -") cat >/dev/null ;; esac
while read -r words; do [[ "${0##*/} $*" = "$words"* ]] && exit 1; done <"$FAKES/failing"
exit 0
"""


class Fakes:
    """Programs that are first on the path: what they were asked for, and which commands fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for program in ("kind", "kubectl", "docker", "podman"):
            (folder / program).write_text(FAKE)
            (folder / program).chmod(0o755)
        for file in ("asked", "clusters", "failing"):
            (folder / file).touch()

    def run(self, *, fail: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script; the command that starts with ``fail`` fails."""
        (self.folder / "failing").write_text(f"{fail}\n" if fail else "")
        (self.folder / "asked").write_text("")
        path = f"{self.folder}:{os.environ['PATH']}"
        given = {**os.environ, "PATH": path, "FAKES": str(self.folder), **environment}
        return subprocess.run(
            [ROOT / "k8s/kind-up", "steps:1"], env=given, capture_output=True, text=True, timeout=60, check=False
        )

    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    def has_cluster(self) -> None:
        (self.folder / "clusters").write_text("another\ncovertype\n")


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    return Fakes(tmp_path)


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        ("docker info", "docker does not answer: start it"),
        ("docker image inspect", "docker has no image steps:1: build it with `make image"),
    ],
)
def test_nothing_is_created_without_the_image(fakes: Fakes, fail: str, error: str) -> None:
    done = fakes.run(fail=fail)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {error}")
    assert not [words for words in fakes.asked() if not words.startswith("docker ")]


def test_a_first_run_creates_the_cluster_and_loads_the_image_first(fakes: Fakes) -> None:
    done = fakes.run()
    assert done.returncode == 0, done.stderr
    asked = fakes.asked()
    assert "kind delete cluster --name covertype" not in asked
    create, load = (next(i for i, words in enumerate(asked) if words.startswith(f"kind {verb}")) for verb in ("c", "l"))
    assert create < load < next(i for i, words in enumerate(asked) if "apply" in words)


def test_a_repeated_run_creates_no_cluster(fakes: Fakes) -> None:
    fakes.has_cluster()
    assert fakes.run().returncode == 0
    assert not [words for words in fakes.asked() if words.startswith("kind create")]
    assert "kind export kubeconfig --name covertype" in fakes.asked()


def test_nothing_is_changed_outside_of_apply(fakes: Fakes) -> None:
    """A field that another command changes is a conflict for the next server-side apply."""
    assert fakes.run().returncode == 0
    verbs = {"apply", "create", "wait", "rollout", "get"}
    changes = [words for words in fakes.asked() if words.startswith("kubectl") and "--dry-run=client" not in words]
    assert all(verbs & set(words.split()) for words in changes)
    [server_side] = [words for words in changes if "--server-side" in words]
    assert "--kustomize" in server_side


def test_a_cluster_whose_creation_fails_is_deleted(fakes: Fakes) -> None:
    assert fakes.run(fail="kind create").returncode == 1
    assert fakes.asked()[-1] == "kind delete cluster --name covertype"


@pytest.mark.parametrize(
    "fail", ["kind load", "kubectl create --dry-run=client", "kubectl apply", "kubectl --namespace"]
)
def test_a_cluster_that_was_created_is_never_deleted(fakes: Fakes, fail: str) -> None:
    assert fakes.run(fail=fail).returncode != 0
    assert not [words for words in fakes.asked() if words.startswith("kind delete")]


@pytest.mark.parametrize("fail", ["kind export", "kubectl wait"])
def test_an_incomplete_cluster_is_an_error_that_says_how_to_fix_it(fakes: Fakes, fail: str) -> None:
    fakes.has_cluster()
    done = fakes.run(fail=fail)
    assert done.returncode == 1
    assert "make kind-down" in done.stderr.splitlines()[-1]


def test_podman(fakes: Fakes) -> None:
    done = fakes.run(fail="docker", KIND_EXPERIMENTAL_PROVIDER="podman")
    assert done.returncode == 0, done.stderr
    [tag] = [words for words in fakes.asked() if words.startswith("podman tag")]
    assert tag == "podman tag steps:1 docker.io/library/steps:1"
    assert [words for words in fakes.asked() if words.startswith("kind load image-archive")]
