from __future__ import annotations

from steps.reporting import palette
from steps.reporting.page import TEMPLATES


def test_every_colour_role_has_a_colour_in_light_and_in_dark_mode() -> None:
    light, dark = (TEMPLATES / "report.css").read_text().split("prefers-color-scheme")
    for role in palette.ROLES:
        assert f"--{role}:" in light
        assert f"--{role}:" in dark


def test_hues_differ_in_colour_or_dash() -> None:
    hues = [palette.Hue.of(position) for position in range(21)]
    assert len({str(hue) for hue in hues}) == 21
    assert palette.Hue.of(21) == hues[0]


def test_placeholders_differ() -> None:
    assert len({palette.placeholder(role) for role in palette.ROLES}) == len(palette.ROLES)
