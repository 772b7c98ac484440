"""Colour roles of the report: names of CSS variables that the style sheet defines for light and for dark mode.

Hues tell cover types apart and follow Okabe and Ito (2008), "Color Universal Design", which all kinds of colour vision
can distinguish; the text colour replaces their yellow. Stages tell steps apart and are a ramp from viridis.
"""

from __future__ import annotations

from typing import Any, NamedTuple

HUES = ("hue0", "hue1", "hue2", "hue3", "hue4", "hue5", "hue6")
STAGES = ("stage0", "stage1", "stage2", "stage3", "stage4", "stage5")
ROLES = ("ink", "muted", "line", "paper", *HUES, *STAGES)
# Matplotlib's dash patterns: solid, dashed, dotted.
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))


class Hue(NamedTuple):
    """How every plot draws a cover type: a colour role, and a dash pattern that changes when the colours repeat."""

    role: str
    dash: Any

    @staticmethod
    def of(position: int) -> Hue:
        """Return the hue of the cover type at this position in the schema."""
        return Hue(HUES[position % len(HUES)], _DASHES[position // len(HUES) % len(_DASHES)])


def placeholder(role: str) -> str:
    """Return the colour in which matplotlib draws a role: a shade near black that no plot uses otherwise."""
    return f"#0000{ROLES.index(role) + 1:02x}"
