"""The page as one text, and the headers that say what a browser may do with it."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

import steps

HTML = b"text/html; charset=utf-8"
_ASSETS = Path(__file__).parent / "assets"
# By its path: importing the package of the report would import what draws it.
_REPORT_STYLE = Path(steps.__file__).parent / "reporting" / "templates" / "report.css"
# In the order of execution; they share one scope.
_SCRIPTS = ("common.js", "row.js", "answer.js", "explanation.js", "file.js", "start.js")
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@functools.cache
def style() -> str:
    """Return the style sheet: that of the report, and what the page adds to it."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (_REPORT_STYLE, _ASSETS / "page.css"))


@functools.cache
def page() -> tuple[bytes, str]:
    """Return the page and its content security policy. The page is the same for all models.

    The policy names the script by its digest (https://www.w3.org/TR/CSP3/#script-src). It allows styles in elements,
    because a report that the page opens for a client with a token inherits the policy.
    """
    script = "".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n{script}'
    text = (_ASSETS / "page.html").read_text(encoding="utf-8")
    text = text.replace("/* style */", style()).replace("/* script */", script)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    sources = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'"
    return text.encode(), f"{_NOTHING}; {sources}"


def static_policy() -> str:
    """Return the policy of a document without scripts, whose styles and images are part of it."""
    return f"{_NOTHING}; style-src 'unsafe-inline'; img-src data:; sandbox"


def headers(policy: str) -> dict[bytes, bytes]:
    """Return the headers of an HTML document with a content security policy."""
    return {
        b"content-security-policy": policy.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"cache-control": b"no-store",
    }
