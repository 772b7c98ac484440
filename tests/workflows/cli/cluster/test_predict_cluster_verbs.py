"""The verbs that score a table on a cluster, against a server that answers as the Kubernetes API or argo-server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.workflows.fake_runs import ARGO, KUBE, SERVER, created, invoke

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflows.fake_api import FakeApi

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

ADDRESSES = ("--input", "s3://bucket/a.csv", "--output", "s3://bucket/scores.csv")
WORDS = (*ADDRESSES, "--registry", "s3://bucket/models")


def parameters(workflow: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in workflow["spec"]["arguments"]["parameters"]}


def test_submit_by_the_kubernetes_api(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created("mine")))
    words = ("--name", "mine", "--label", "team=forest", "--version", "v7", "--keep", "id", "--image", "steps:2")
    assert invoke("submit-predict", *WORDS, *words) == 0
    (request,) = kube.requests
    assert request.body["metadata"]["name"] == "mine"
    assert request.body["metadata"]["labels"]["team"] == "forest"
    assert parameters(request.body)["version"] == "v7"
    assert parameters(request.body)["keep"] == "id"
    assert {template["container"]["image"] for template in request.body["spec"]["templates"][1:]} == {"steps:2"}
    assert "submitted mine to namespace covertype" in capsys.readouterr().out


def test_submit_by_argo_server(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"POST {SERVER}", (200, created("covertype-predict-x7")))
    assert invoke("submit-predict", *WORDS, "--json") == 0
    (request,) = server.requests
    assert request.body["workflow"]["metadata"]["generateName"] == "covertype-predict-"
    assert json.loads(capsys.readouterr().out)["run"] == "covertype-predict-x7"


def test_a_dry_run_starts_nothing(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created("x")))
    assert invoke("submit-predict", *WORDS, "--dry-run") == 0
    (sent,) = kube.requests
    assert "dryRun=All" in sent.query
    printed = capsys.readouterr()
    assert yaml.safe_load(printed.out)["spec"]["entrypoint"] == "prediction"
    assert "nothing was started" in printed.err


def test_the_registry_and_the_pod_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "job.yaml"
    config.write_text("{registry: s3://bucket/config, steps: {predict: {cpu: 2, s3_secret: reader}}}")
    monkeypatch.setenv("COVERTYPE_NAMESPACE", "team")
    for words, expected in (((), "s3://bucket/config"), (("--registry", "gs://b/flag"), "gs://b/flag")):
        assert invoke("render-predict", *ADDRESSES, "--config", config, *words) == 0
        workflow = yaml.safe_load(capsys.readouterr().out)
        assert parameters(workflow)["registry"] == expected
        assert workflow["metadata"]["namespace"] == "team"
        container = workflow["spec"]["templates"][1]["container"]
        assert container["resources"]["limits"]["cpu"] == "2"
        assert container["envFrom"] == [{"secretRef": {"name": "reader"}}]


@pytest.mark.parametrize("kind", ["Workflow", "WorkflowTemplate", "CronWorkflow"])
def test_a_rendered_file_passes_lint(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "workflow.yaml"
    assert invoke("render-predict", *WORDS, "--kind", kind, "-o", file) == 0
    assert invoke("lint", file) == 0
    assert f"ok: {kind} covertype-predict" in capsys.readouterr().out


def test_deploy_creates_a_template_and_a_cron_workflow(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("workflowtemplates", "cronworkflows"):
        kube.on(f"PATCH {ARGO}/{kind}/covertype-predict", (200, {}))
    assert invoke("deploy-predict", *WORDS, "--schedule", "0 2 * * *", "--overwrite") == 0
    first, second = kube.requests
    assert (first.body["kind"], second.body["kind"]) == ("WorkflowTemplate", "CronWorkflow")
    assert second.body["spec"]["schedules"] == ["0 2 * * *"]
    assert "--overwrite" in first.body["spec"]["templates"][1]["container"]["args"]
    assert "CronWorkflow covertype-predict is in namespace covertype" in capsys.readouterr().out


def test_the_public_key_is_sent_with_the_template(
    kube: FakeApi, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kube.on(f"POST {KUBE}", (201, created("mine")))
    for kind in ("workflowtemplates", "cronworkflows"):
        kube.on(f"PATCH {ARGO}/{kind}/covertype-predict", (200, {}))
    required = ("--require-signature", keys / "own.pub")
    assert invoke("submit-predict", *WORDS, *required) == 0
    assert invoke("deploy-predict", *WORDS, "--schedule", "0 2 * * *", *required) == 0
    capsys.readouterr()
    assert invoke("render-predict", *WORDS, *required) == 0
    documents = [*(request.body for request in kube.requests), yaml.safe_load(capsys.readouterr().out)]
    assert [each["kind"] for each in documents] == ["Workflow", "WorkflowTemplate", "CronWorkflow", "Workflow"]
    for each in documents:
        [_, template] = each["spec"].get("workflowSpec", each["spec"])["templates"]
        [artifact] = template["inputs"]["artifacts"]
        assert artifact["raw"] == {"data": (keys / "own.pub").read_text()}


def test_a_private_key_is_not_sent(kube: FakeApi, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("submit-predict", "deploy-predict", "render-predict"):
        assert invoke(verb, *WORDS, "--require-signature", keys / "own.pem") == 65
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n"), "not a public key" in shown.err) == ("", 1, True)
    assert not kube.requests


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("submit-predict", *ADDRESSES), 2, "error: a pod cannot access the runs of this machine, in --registry"),
        (("submit-predict", *WORDS, "--input", "none.csv"), 66, "error: no such file, in none.csv: check --input"),
        (("submit-predict", *WORDS, "--output", "a/b.csv"), 2, "error: the pod cannot write to a folder"),
        (("submit-predict", *WORDS, "--output", "scores.xls"), 2, "error: unknown kind of file, in --output"),
        (("submit-predict", *WORDS, "--registry", "models"), 2, "error: a folder on this machine is not visible"),
        (("submit-predict", *WORDS, "--label", "team"), 2, "error: 'team' is not a label, in --label"),
        (("submit-predict", *WORDS, "--namespace", "No_Good"), 2, "error: namespace: "),
        (("submit-predict", *WORDS, "--require-signature", "no.pub"), 66, "error: no such file, in no.pub"),
        (("deploy-predict", *WORDS, "--input", "a.csv"), 2, "error: a path on this machine is not visible to the pod"),
        (("deploy-predict", *WORDS, "--schedule", "nightly"), 2, "error: 'nightly'"),
        (("render-predict", *WORDS, "--schedule", "@daily"), 2, "error: a Workflow has no schedule, in --schedule"),
    ],
)
def test_a_mistake_is_seen_before_anything_is_sent(
    words: tuple[str, ...], code: int, message: str, kube: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(*words) == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert not kube.requests
