"""Options of the steps together."""

from __future__ import annotations

from steps import NAMES
from steps.core.options import Scope
from steps.options import STEP_OPTIONS, form_options, options_of


def test_the_steps_come_in_the_order_of_the_pipeline() -> None:
    assert list(STEP_OPTIONS) == [name for name in NAMES if name in STEP_OPTIONS]


def test_the_form_has_each_option_once_and_details_last() -> None:
    names = [option.name for option in form_options()]
    assert len(names) == len(set(names))
    details = [option.option.detail for option in form_options()]
    assert details == sorted(details)
    assert names[:2] == ["source", "snapshot-time"]


def test_options_of_one_scope() -> None:
    assert [option.name for option in options_of("split", Scope.FORM)] == ["seed"]
    assert {option.option.scope for option in options_of("split")} == {Scope.FORM, Scope.SET}
    assert options_of("report") == ()
