"""Write the rendered workflows again: ``make golden``."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from steps.options.predict import PredictOptions, RegistryOptions
from workflows import interfaces, pipeline, rendering
from workflows.argo import yaml_text
from workflows.prediction import Prediction
from workflows.settings import Resources, Settings, Toleration

HERE = Path(__file__).parent
JOB_SCHEMA = HERE.parents[1] / "docs/job.schema.json"
# File name: settings, and the kind rendered. Between them they show every part of the pipeline.
CASES = {
    "default": (Settings(), "Workflow"),
    "template": (Settings(cover_types=("4", "aspen")), "WorkflowTemplate"),
    "cron": (Settings(cover_types=("krummholz",), source="/data/table.parquet"), "CronWorkflow"),
    "fused": (Settings(cover_types=("4", "aspen"), pods="cover-type", set={"train.aspen.rounds": 5}), "Workflow"),
    "all": (
        Settings(
            cover_types=("4", "aspen"),
            pods="all",
            set={"train.aspen.rounds": 5, "evaluate.threads": 2},
            registry="gs://bucket/models",
            study_volume="studies",
            steps={"pipeline": Resources(cpu="2", memory="4Gi")},
        ),
        "Workflow",
    ),
    "overrides": (
        Settings(
            cover_types=("1", "4"),
            rows=5000,
            set={"train.max_leaves": 64, "train.cottonwood-willow.rounds": 7, "evaluate.threads": 2},
            image="registry.example/steps:1",
            namespace="team",
            service_account="pods",
            registry="gs://bucket/models",
            study_volume="studies",
            steps={
                "prepare": Resources(service_account="reader"),
                "register": Resources(service_account="writer"),
                "train": Resources(
                    cpu="2",
                    memory="3Gi",
                    memory_limit="4Gi",
                    gpu=1,
                    node_selector={"pool": "gpu"},
                    tolerations=(Toleration(key="gpu", operator="Exists", effect="NoSchedule"),),
                    deadline_seconds=60,
                ),
            },
        ),
        "Workflow",
    ),
}

_REGISTERED = RegistryOptions(registry="s3://bucket/models")
# The same for predictions: from a bucket to a bucket, and of an uploaded file to an artifact.
PREDICTION_CASES = {
    "predict-cron": (
        Settings(s3_secret="keys", steps={"predict": Resources(cpu="2", memory="2Gi")}),  # noqa: S106 - its name
        Prediction(
            PredictOptions(
                input="s3://bucket/new/*.parquet",
                output="s3://bucket/scores.parquet",
                keep="plot",
                rejects="s3://bucket/rejects.csv",
                max_rejects=10,
                overwrite=True,
            ),
            _REGISTERED,
        ),
        "CronWorkflow",
    ),
    "predict-file": (
        Settings(),
        Prediction(
            PredictOptions(input="table.csv", output="scores.csv", threads=3),
            _REGISTERED,
            interfaces.input_file("table.csv", {"s3": {"key": "sources/abc"}}),
        ),
        "Workflow",
    ),
}
ALL_CASES = (*CASES, *PREDICTION_CASES)


def render(name: str) -> str:
    """Render a case, without the revision, which every commit changes."""
    if name in PREDICTION_CASES:
        settings, prediction, kind = PREDICTION_CASES[name]
        return yaml_text.to_yaml(rendering.render_prediction(settings, prediction, kind, revision=""))
    settings, kind = CASES[name]
    return yaml_text.to_yaml(rendering.render(settings, kind, revision=""))


def without_schema(text: str) -> str:
    """Return a rendering with the schema's text shortened, so that a golden file shows the wiring."""
    document = yaml.safe_load(text)
    spec = document["spec"].get("workflowSpec", document["spec"])
    for template in spec["templates"]:
        for artifact in template.get("inputs", {}).get("artifacts", []):
            if "raw" in artifact:
                artifact["raw"]["data"] = artifact["raw"]["data"].splitlines()[0] + " ...\n"
    return yaml_text.to_yaml(document)


def job_schema() -> str:
    """Return the JSON schema of config files, for editors."""
    schema = Settings.model_json_schema(by_alias=True)
    return json.dumps({"title": "Covertype job", **schema}, indent=2) + "\n"


def main() -> None:
    """Write all files."""
    JOB_SCHEMA.write_text(job_schema())
    for name in ALL_CASES:
        (HERE / f"{name}.yaml").write_text(without_schema(render(name)))
    print(f"wrote {', '.join(ALL_CASES)} ({pipeline.NAME})")


if __name__ == "__main__":
    main()
