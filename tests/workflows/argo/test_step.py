from __future__ import annotations

from workflows.argo.step import Slot, Step
from workflows.settings import Settings


def test_an_argument_names_the_option_the_key_and_the_path() -> None:
    assert Slot("train", "t.parquet").argument("outputs") == "--train={{outputs.artifacts.train.path}}"
    slot = Slot("metrics-aspen", "m.json", option="metrics", key="aspen")
    assert slot.argument("inputs") == "--metrics=aspen={{inputs.artifacts.metrics-aspen.path}}"


def test_only_an_output_that_the_ui_draws_has_a_dot_in_its_file_name() -> None:
    assert Slot("report", "report.html", drawn=True).output_file == "report.html"
    assert Slot("usage-train", "usage.json").output_file == "usage-train"


def test_overrides_win_over_the_values_for_a_gpu() -> None:
    step = Step("train", parameters={"rounds": "10"}, on_gpu={"device": "cuda"})
    settings = Settings.model_validate({"steps": {"train": {"gpu": 1}}})
    resources = settings.resources("train")
    assert step.effective_parameters(resources, {}) == {"rounds": "10", "device": "cuda"}
    assert step.effective_parameters(resources, {"device": "cpu"})["device"] == "cpu"
    assert "device" not in step.effective_parameters(Settings().resources("train"), {})
