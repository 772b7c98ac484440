"""Flags of the command line, which are the settings."""

from __future__ import annotations

from workflows.cli import options
from workflows.settings import Settings
from workflows.settings.flags import LOCAL, Flag
from workflows.settings.loading import FORMER


def test_every_setting_but_resources_has_a_flag() -> None:
    names = {field.alias or name for name, field in Settings.model_fields.items()}
    flags = {*options.flags(local=False), *options.flags(local=True)}
    assert names - flags == {"steps"}
    assert flags - names == {"config", *FORMER}


def test_flags_about_this_machine_are_for_verbs_that_run_here() -> None:
    local = {
        name
        for name, field in Settings.model_fields.items()
        for flag in field.metadata
        if isinstance(flag, Flag) and flag.panel == LOCAL
    }
    assert set(options.flags(local=True)) == local == {"output", "parallel", "cache"}
