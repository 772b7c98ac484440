"""The manifests of the service: what they name exists, and what they promise fits. tests/cluster applies them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from steps import serve
from steps.options.predict import RegistryOptions
from steps.options.serve import ServeOptions
from steps.serve import TOKEN
from workflows.cluster.serving import deployment, smoke

K8S = Path(__file__).parent.parent / "k8s"
SERVE = K8S / "serve"
LABELS = {"app.kubernetes.io/name": deployment.DEPLOYMENT}


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the objects of the files in a folder by kind."""
    texts = [path.read_text() for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"]
    return {each["kind"]: each for text in texts for each in yaml.safe_load_all(text)}


def kustomization(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def serving() -> dict[str, dict[str, Any]]:
    return documents(SERVE)


@pytest.fixture(scope="module")
def pod(serving: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = serving["Deployment"]["spec"]["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def kserve() -> dict[str, Any]:
    found: dict[str, Any] = documents(K8S / "kserve")["InferenceService"]["spec"]["predictor"]
    return found


def options(container: dict[str, Any]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in container["args"])


def test_the_base_has_all_of_its_files(serving: dict[str, dict[str, Any]]) -> None:
    names = sorted(path.name for path in SERVE.glob("*.yaml") if path.name != "kustomization.yaml")
    assert kustomization(SERVE)["resources"] == names
    assert sorted(serving) == [
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]


def test_everything_selects_the_pods_of_the_deployment(serving: dict[str, dict[str, Any]]) -> None:
    spec = serving["Deployment"]["spec"]
    assert spec["template"]["metadata"]["labels"] == LABELS
    assert spec["selector"]["matchLabels"] == serving["Service"]["spec"]["selector"] == LABELS
    assert serving["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == LABELS
    assert serving["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == LABELS
    assert serving["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == deployment.DEPLOYMENT
    assert "replicas" not in spec  # an apply would undo what the autoscaler did


def test_the_verbs_find_the_version_and_the_port(serving: dict[str, dict[str, Any]]) -> None:
    assert deployment.Service.read(serving["Deployment"]).target.version == "champion"
    [port] = serving["Service"]["spec"]["ports"]
    role = next(
        each for each in yaml.safe_load_all((K8S / "base/submitter.yaml").read_text()) if each["kind"] == "Role"
    )
    rules = {
        (rule["resources"][0], *rule["resourceNames"]): rule["verbs"]
        for rule in role["rules"]
        if "resourceNames" in rule
    }
    assert rules == {
        ("deployments", deployment.DEPLOYMENT): ["get", "patch"],
        ("services/proxy", f"{deployment.DEPLOYMENT}:{port['name']}"): ["get", "create"],
    }
    assert f"{deployment.DEPLOYMENT}:{port['name']}" == smoke.PROXY


@pytest.mark.parametrize("kind", ["serve", "kserve"])
def test_the_command_line_is_one_of_the_step(pod: dict[str, Any], kserve: dict[str, Any], kind: str) -> None:
    [container] = (pod if kind == "serve" else kserve)["containers"]
    assert container["command"] == ["python", "-m", "steps.serve"]
    known = {name.replace("_", "-") for each in (ServeOptions, RegistryOptions) for name in each.__dataclass_fields__}
    given = options(container)
    assert given.keys() <= known
    variables = {each["name"] for each in container["env"]} | {"COVERTYPE_REGISTRY"}
    assert {given["registry"], given["version"]} == {f"$({name})" for name in variables - {TOKEN}}
    assert int(given["port"]) == container["ports"][0]["containerPort"]
    assert TOKEN in variables


@pytest.mark.parametrize("kind", ["serve", "kserve"])
def test_a_pod_has_the_time_to_end(pod: dict[str, Any], kserve: dict[str, Any], kind: str) -> None:
    spec = pod if kind == "serve" else kserve
    [container] = spec["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause + int(options(container)["drain"]) < spec["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("kind", ["serve", "kserve"])
def test_pods_are_restricted(pod: dict[str, Any], kserve: dict[str, Any], kind: str) -> None:
    spec = pod if kind == "serve" else kserve
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert spec["serviceAccountName"] == deployment.DEPLOYMENT
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/tmp"]  # noqa: S108 - the pod's own


def test_probes_ask_what_needs_no_token(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    ready, live = "/v2/health/ready", "/v2/health/live"
    assert paths == {"startupProbe": ready, "readinessProbe": ready, "livenessProbe": live}


def test_pods_get_no_token_of_the_cluster(serving: dict[str, dict[str, Any]], pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert serving["ServiceAccount"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", ["kind", "gke"])
def test_an_overlay_sets_image_registry_and_where_it_is(name: str) -> None:
    folder = K8S / "overlays" / name / "serve"
    found = kustomization(folder)
    assert [(folder / each).resolve() for each in found["resources"]] == [SERVE]
    assert [each["name"] for each in found["images"]] == ["covertype-serve"]
    [registry] = found["configMapGenerator"]
    assert registry["name"] == deployment.DEPLOYMENT
    assert registry["literals"][0].startswith("COVERTYPE_REGISTRY=")
    policy = [each["patch"] for each in found["patches"] if each["target"]["kind"] == "NetworkPolicy"]
    assert {each["path"] for each in yaml.safe_load(policy[0])} == {"/spec/egress/-"}


def test_the_key_of_signatures_is_where_the_step_looks_for_it(pod: dict[str, Any]) -> None:
    found = kustomization(SERVE / "require-signature")
    [entry] = found["patches"]
    assert (found["kind"], entry["target"]) == ("Component", {"kind": "Deployment", "name": deployment.DEPLOYMENT})
    test, *additions = yaml.safe_load(entry["patch"])
    root = "/spec/template/spec"
    [container] = pod["containers"]
    assert test == {"op": "test", "path": f"{root}/containers/0/name", "value": container["name"]}
    assert {each["op"] for each in additions} == {"add"}
    added = {each["path"].removeprefix(root): each["value"] for each in additions}
    argument, mount, volume = (
        added.pop(path) for path in ("/containers/0/args/-", "/containers/0/volumeMounts/-", "/volumes/-")
    )
    assert added == {}
    assert argument == f"--require-signature={mount['mountPath']}/key.pub"
    assert "require_signature" in inspect.signature(serve.main).parameters
    assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert volume["configMap"] == {"name": "covertype-serve-signer"}
    assert volume["name"] not in {each["name"] for each in pod["volumes"]}


def test_the_overlay_of_the_page_names_what_there_is() -> None:
    page = (K8S.parent / "docs/how-to/serve-on-a-cluster.md").read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = yaml.safe_load(block)
    folder = K8S / "overlays" / "mine"
    places = [(folder / each).resolve() for each in (*found["resources"], *found["components"])]
    assert places == [K8S / "overlays/kind/serve", SERVE / "require-signature"]
    assert all((each / "kustomization.yaml").is_file() for each in places)
    [generator] = found["configMapGenerator"]
    assert generator == {"name": "covertype-serve-signer", "namespace": "covertype", "files": ["key.pub"]}
