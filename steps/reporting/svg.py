"""Matplotlib figures as inline SVG elements for the report page.

Matplotlib cannot draw in the colour of a CSS variable. A plot therefore uses a placeholder colour for each colour role,
and :func:`inline_svg` replaces it by the variable: the same plot suits light and dark mode. Text stays text and takes
the font of the page. Equal data gives equal bytes.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from steps.reporting.palette import ROLES, placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLES = {placeholder(role): f"var(--{role})" for role in ROLES}
# Matplotlib copies these characters of a text into its output, where XML does not allow them.
_NOT_IN_XML = dict.fromkeys([*(set(range(0x20)) - set(b"\t\n\r")), 0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}")


@contextmanager
def plot_defaults() -> Iterator[None]:
    """Set matplotlib's defaults for the report's plots while the block runs."""
    import matplotlib as mpl

    ink, muted, line = placeholder("ink"), placeholder("muted"), placeholder("line")
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "report",
        "text.parse_math": False,
        "font.size": 12,
        "text.color": ink,
        "axes.edgecolor": line,
        "axes.labelcolor": muted,
        "axes.labelsize": 12,
        "axes.labelpad": 6,
        "axes.linewidth": 1,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": line,
        "grid.linewidth": 0.7,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": muted,
        "ytick.labelcolor": muted,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.major.pad": 8,
        "ytick.major.pad": 5,
        "lines.solid_capstyle": "round",
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The browser's font shows the text. Matplotlib only measures it, with a font that lacks most scripts.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def new_axes(width: float, height: float, *, left: float, bottom: float, right: float = 12) -> tuple[Any, Any]:
    """Return a new figure and its only axes.

    Args:
        width: width of the figure, in CSS pixels, like all arguments.
        height: height of the figure.
        left: distance of the axes from the left edge of the figure.
        bottom: distance of the axes from the bottom edge.
        right: distance of the axes from the right edge.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    inside = (left / width, bottom / height, (width - left - right) / width, (height - 8 - bottom) / height)
    return figure, figure.add_axes(inside)


def inline_svg(figure: Any, id_prefix: str, label: str) -> str:  # noqa: ANN401 - matplotlib has no types
    """Return a figure as an inline ``<svg>`` element.

    Args:
        figure: a matplotlib figure.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ET.fromstring(out.getvalue().translate(_NOT_IN_XML))  # noqa: S314 - matplotlib wrote it
    _remove_style_sheets(root)
    elements = list(root.iter())
    targets = {_target(value) for element in elements for value in element.attrib.values()}
    for element in elements:
        element.tag = _local_name(element.tag)
        element.attrib = _page_attributes(element.attrib, id_prefix, targets)
        element.tail = None
        if element.text and not element.text.strip():
            element.text = None
    width, height = (str(round(float(inches) * 72)) for inches in figure.get_size_inches())
    size = {"viewBox": f"0 0 {width} {height}", "width": width, "height": height}
    root.attrib = {**size, "role": "img", "aria-label": label}
    return ET.tostring(root, encoding="unicode")


def _remove_style_sheets(root: ET.Element) -> None:
    """Remove the ``<defs>`` that hold a style sheet, which would apply to the whole page."""
    for definitions in root.findall("{*}defs"):
        if definitions.find("{*}style") is not None:
            root.remove(definitions)


def _local_name(name: str) -> str:
    """Return a name without its XML namespace: HTML knows the elements of an inline SVG without one."""
    return name.rpartition("}")[2]


def _target(value: str) -> str | None:
    """Return the id that an attribute's value refers to, ``#id`` or ``url(#id)``; None where it is no reference."""
    if value.startswith("url(#"):
        return value[len("url(#") : -len(")")]
    return value[1:] if value.startswith("#") else None


def _page_attributes(attributes: Mapping[str, str], id_prefix: str, targets: set[str | None]) -> dict[str, str]:
    """Return an element's attributes with ids that are unique on the page and colours of the page's style sheet."""
    found = {}
    for qualified, value in attributes.items():
        name, target = _local_name(qualified), _target(value)
        if name == "id":
            if value in targets:
                found[name] = f"{id_prefix}-{value}"
        elif name == "style":
            found[name] = _page_style(value)
        elif target is not None:
            found[name] = value.replace(target, f"{id_prefix}-{target}")
        elif not value.startswith("rotate(-0 "):
            found[name] = value.strip()
    return found


def _page_style(style: str) -> str:
    """Return CSS declarations with the variables of the colour roles, and without the font."""
    declarations = (declaration.split(": ", 1) for declaration in style.split("; "))
    return "; ".join(f"{key}: {_VARIABLES.get(value, value)}" for key, value in declarations if key != "font-family")
