"""Options of the steps together."""

from __future__ import annotations

from steps import NAMES
from steps.core.options import Scope
from steps.options import STEP_OPTIONS, form_options, options_of


def test_the_steps_come_in_the_order_of_the_pipeline() -> None:
    assert list(STEP_OPTIONS) == [name for name in NAMES if name in STEP_OPTIONS]


def test_the_form_has_each_option_once_what_most_runs_change_first_and_bigquery_last() -> None:
    names = [option.name for option in form_options()]
    assert len(names) == len(set(names))
    assert names[:6] == ["preset", "rows", "seed", "trials", "timeout", "source"]
    assert names[-3:] == ["snapshot-time", "location", "maximum-bytes-billed"]
    groups = [option.option.group for option in form_options()]
    assert groups == sorted(groups)


def test_no_parameter_has_the_name_of_a_field_of_the_form() -> None:
    """Argo's page has fields for the run's name, generated name, labels and entrypoint beside the parameters."""
    assert not {"labels", "name", "generate-name", "entrypoint"} & {option.name for option in form_options()}


def test_a_description_says_what_an_empty_value_means() -> None:
    for option in form_options():
        if option.default in {None, ""}:
            assert "; empty: " in option.option.help, option.name


def test_options_of_one_scope() -> None:
    assert [option.name for option in options_of("split", Scope.FORM)] == ["seed"]
    assert {option.option.scope for option in options_of("split")} == {Scope.FORM, Scope.SET}
    assert options_of("report") == ()
