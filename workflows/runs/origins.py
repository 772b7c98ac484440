"""What proves and repeats a version, from this machine: the code of a git revision, the source, the files of a run."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from steps.core import storage
from steps.core.errors import BadDataError, NoInputError, PipelineError, shell_exit_code
from steps.provenance import evidence as evidences
from steps.provenance import reproduction
from steps.provenance.origin import Reread
from steps.registry.paths import PROFILE, REPORT_HTML, REPORT_JSON, metrics_path
from workflows.argo import revision as revisions
from workflows.runs.results import WORKFLOW, missing_run_fix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.provenance.evidence import Evidence

_ROOT = Path(__file__).resolve().parents[2]
_REVISION_LABEL = "covertype/revision"
_ERROR = "error: "


def code_of_revision(revision: str, root: Path = _ROOT) -> str | None:
    """Return the digest of the code at a git revision, as ``bundle.code_sha256`` computes it from files.

    It is None if git does not have the revision, or there is no git.

    Args:
        revision: As ``revision.git_revision`` returns it. The state ``-dirty`` is left out.
        root: The folder of the repository.
    """
    archive = revisions.read_archive(revision.removesuffix(revisions.DIRTY), "steps", root)
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {PurePosixPath(each.name).relative_to("steps"): each for each in tar.getmembers() if each.isfile()}
        digest = hashlib.sha256()
        for path in sorted(files):
            if path.suffix == ".py" or (path.suffix == ".toml" and path.parent.as_posix() == "data"):
                file = tar.extractfile(files[path])
                content = file.read() if file else b""
                digest.update(path.as_posix().encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def read_source_again(evidence: Evidence, source: str, schema: str) -> Reread:
    """Prepare the source again with the options of the run, in a temporary folder.

    Args:
        evidence: The files of the version or run.
        source: The address of the source.
        schema: The schema file; empty for the project's own.

    Raises:
        PipelineError: The source does not exist or cannot be reached, or the options of the run were not recorded.
    """
    reference = reproduction.schema_reference(evidence, schema)
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as temporary:
        folder = Path(temporary)
        words = reproduction.prepare_words(evidence, folder, source=source, schema=reference)
        code, message = _run("steps.prepare", words, show=False)
        if code == BadDataError.exit_code:
            return Reread({}, message)
        if code:
            raise _with_code(PipelineError(message or f"prepare ended with exit code {code}"), code)
        return Reread(storage.read_json(folder / PROFILE))


def train_again(evidence: Evidence, folder: Path, source: str, schema: str, parallel: int) -> None:
    """Train all models of a version again below ``folder``, and show the log of the steps.

    Args:
        evidence: The files of the version.
        folder: The folder for all files.
        source: The address of the source; empty for the recorded one.
        schema: The schema file; empty for the project's own.
        parallel: Cover types at a time.

    Raises:
        PipelineError: A step failed; with its exit code.
    """
    reference = reproduction.schema_reference(evidence, schema)
    words = reproduction.training_words(evidence, folder, source=source, schema=reference)
    code, message = _run("steps.pipeline", [f"--parallel={parallel}", *words], show=True)
    if code:
        raise _with_code(PipelineError(f"the models cannot be trained again: {message}"), code)


def run_files(folder: Path) -> dict[str, Path]:
    """Return the files of a run by their names in ``provenance.evidence``; those that are missing are left out.

    Args:
        folder: The folder of the run.

    Raises:
        NoInputError: There is no such run.
    """
    if not (folder / WORKFLOW).is_file():
        raise NoInputError(
            f"there is no run {folder.name!r}", where=str(folder.parent), fix=missing_run_fix(folder.name)
        )
    models = {
        f"models/{path.parent.name}/{path.name}": path for path in (folder / "models").glob("*/*") if path.is_file()
    }
    slugs = {name.split("/")[1] for name in models}
    found = {REPORT_JSON: folder / REPORT_JSON, REPORT_HTML: folder / REPORT_HTML, **models}
    outputs = {f"{path.parent.parent.parent.name}/{path.name}": path for path in folder.glob("nodes/*/out/*/*")}
    wanted = {PROFILE: "prepare/profile"}
    for slug in slugs:
        wanted[metrics_path(slug)] = f"{slug}-evaluate/metrics"
        wanted[evidences.MODEL_SCORES.format(slug=slug)] = f"{slug}-evaluate/scores"
        wanted[evidences.DATASET.format(slug=slug)] = f"prepare/dataset-{slug}"
    return found | {name: outputs[path] for name, path in wanted.items() if path in outputs}


def run_revision(folder: Path) -> str:
    """Return the git revision in the label of a run's workflow; empty if there is none.

    Raises:
        BadDataError: The file is not a workflow.
    """
    import yaml

    path = folder / WORKFLOW
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(document.get("metadata", {}).get("labels", {}).get(_REVISION_LABEL, ""))
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError):
        raise BadDataError("not the workflow of a run", where=str(path), fix="run again") from None


def _run(module: str, words: Sequence[str], *, show: bool) -> tuple[int, str]:
    """Run a module of the steps as its own process, and return its exit code and the text of its error."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    message = ""
    with subprocess.Popen(
        [sys.executable, "-m", module, *words],
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            if line.startswith(_ERROR):
                message = line.removeprefix(_ERROR).rstrip("\n")
            elif show:
                sys.stderr.write(line)
    return shell_exit_code(process.returncode), message


def _with_code(error: PipelineError, code: int) -> PipelineError:
    error.exit_code = code
    return error
