"""Each name of a cover type names one class everywhere, or the schema is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from steps import schema as schemas
from steps.core.errors import BadConfigurationError
from steps.schema import CoverType, cover_type_checks
from workflows import rendering
from workflows.argo import yaml_text
from workflows.local.nodes import Node
from workflows.rendered import name_checks, references
from workflows.rendered.document import Slots, Template
from workflows.rendered.reader import read_workflow
from workflows.runs import publishing
from workflows.settings import Settings, names, overrides

HEAD = 'name = "t"\ntarget = "y"\ncolumns = [{ name = "x", dtype = "float64" }]\n'
A, B = CoverType("a", "one", "One"), CoverType("b", "two", "Two")


def text(*classes: CoverType) -> str:
    """Return a schema as TOML; a JSON string is one of TOML, but for a few escapes that are not used here."""
    entries = (
        f"{{ label = {json.dumps(each.label)}, slug = {json.dumps(each.slug)}, title = {json.dumps(each.title)} }}"
        for each in classes
    )
    return f"{HEAD}cover_types = [{', '.join(entries)}]\n"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (CoverType("b", "report", "B"), "slug 'report' is the name of a step, use another such as 'report-class'"),
        (CoverType("b", "prepare", "B"), "slug 'prepare' is the name of a step"),
        (CoverType("b", "register", "B"), "slug 'register' is the name of a step"),
        (CoverType("b", "2-seater", "B"), "slug '2-seater' must begin with a letter"),
        (CoverType("b", "2", "B"), "slug '2' must begin with a letter"),
        (CoverType("b", "two\n", "B"), "slug 'two\\n' must be lower-case"),
        (CoverType("b", "a", "B"), "slug 'a' is the label of another cover type, 'one', use another"),
        (CoverType("one", "two", "B"), "slug 'one' is the label of another cover type, 'two', use another"),
        (CoverType(" one ", "two", "B"), "slug 'one' is the label of another cover type, 'two', use another"),
        (CoverType(" a", "two", "B"), "labels 'a' and ' a' differ only in how they are written"),
        (CoverType("", "two", "B"), "the label of 'two' is empty"),
        (CoverType("b\nc", "two", "B"), "the label of 'two' contains a line break"),
        (CoverType("b", "two", "\u00a0"), "the title of 'two' is empty"),
        (CoverType("b", "two", "B\u001b[31m"), "the title of 'two' contains a line break or another control character"),
        (CoverType("b", "two", "One "), "title 'One' occurs twice"),
        (CoverType(1, "two", "B"), "labels must be all integers or all strings"),
    ],
)
def test_what_could_be_mistaken_is_refused(second: CoverType, message: str) -> None:
    with pytest.raises(BadConfigurationError) as caught:
        schemas.parse(text(A, second))
    assert str(caught.value).startswith(message)


def test_labels_that_look_the_same_are_refused() -> None:
    for first, second in (("é", "e\u0301"), ("True", "true")):
        with pytest.raises(BadConfigurationError, match="differ only in how they are written"):
            schemas.parse(text(CoverType(first, "one", "One"), CoverType(second, "two", "Two")))


def test_a_name_of_the_schema_is_one_line() -> None:
    with pytest.raises(BadConfigurationError, match=r"the name 'a\\nb' must be a text of one line"):
        schemas.parse(text(A, B).replace('name = "t"', 'name = "a\\nb"'))


def test_a_label_may_be_the_slug_of_its_own_class_and_have_blanks() -> None:
    schema = schemas.parse(text(CoverType("one", "one", "One"), CoverType(" <=50K", "two", "Two")))
    assert [schema.cover_type(key).slug for key in ("one", "two", "<=50K", " <=50K")] == ["one", "two", "two", "two"]


def test_a_label_that_is_a_text_is_no_name_of_a_folder(tmp_path: Path) -> None:
    labels = {"one": {"label": "../a/b"}, "two": {"label": -1}}
    (tmp_path / "report.json").write_text(json.dumps({"cover_types": labels}))
    template = Template("x", Slots(), Slots())
    root, made = Node((), template, tmp_path), Node(("prepare",), template, tmp_path)
    made.outputs.artifacts = {f"dataset-{slug}": tmp_path / slug for slug in labels}
    root.children["prepare"] = made
    files = publishing.published_files(tmp_path, root)
    assert set(files) == {"report.json", "cover_type=one/part-0.parquet", "cover_type=-1/part-0.parquet"}


def test_letters_of_both_cases_are_two_labels() -> None:
    schema = schemas.parse(text(CoverType("a", "lower", "Lower"), CoverType("A", "upper", "Upper")))
    assert schema.cover_type("A").slug == "upper"


def test_the_reserved_slugs_are_the_tasks_beside_those_of_cover_types() -> None:
    read = read_workflow(rendering.render(Settings(registry="models", pods="cover-type"), "Workflow"))
    tasks = {task.name for task in read.templates[read.entrypoint].tasks}
    assert tasks - set(schemas.load(schemas.BUILTIN).slugs) == set(cover_type_checks.RESERVED_SLUGS)


# Slugs that are names of something else: of steps, templates, artifacts, options, folders, words of Argo and YAML.
SLUGS = ("train", "split", "chain", "rounds", "pipeline", "cover-type", "dataset", "profile", "usage", "models", "null")


@pytest.mark.parametrize("pods", ["step", "cover-type"])
def test_slugs_that_are_names_of_other_things_render_a_sound_workflow(pods: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.toml"
    file.write_text(text(*(CoverType(f"l{i}", slug, f"T{i}") for i, slug in enumerate(SLUGS))))
    own = {f"train.{slug}.rounds": i for i, slug in enumerate(SLUGS, 2)}
    given_settings = {"schema": str(file), "pods": pods, "registry": "gs://bucket/models", "set": own}
    rendered = rendering.render(Settings.model_validate(given_settings), "Workflow")
    rendered = yaml.safe_load(yaml_text.to_yaml(rendered))
    read = read_workflow(rendered)
    assert references.reference_problems(read) == []
    assert list(name_checks.name_problems(rendered, read)) == []


def test_an_option_and_a_slug_of_one_name_are_told_apart() -> None:
    found = overrides.parse({"train.rounds": 1, "train.rounds.rounds": 2, "train.train.max_depth": 3}, SLUGS)
    assert found.common == {"train": {"rounds": "1"}}
    assert found.by_cover_type == {"rounds": {"train": {"rounds": "2"}}, "train": {"train": {"max-depth": "3"}}}


@given(st.from_regex(r"[a-z0-9-]{0,45}", fullmatch=True) | st.text(max_size=8))
def test_a_slug_that_is_allowed_is_allowed_everywhere(slug: str) -> None:
    if not list(cover_type_checks._slug_problems(slug)):
        assert names.depending_task(slug) is None
        assert names.label_value(slug) is None
        assert names.dns_label(slug) is None
        assert names.field(f"preprocess-{slug}") is None
        assert names.parameter(f"learning-curve-{slug}") is None
