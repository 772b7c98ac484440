"""The model card as HTML."""

from __future__ import annotations

import functools
import html
import re

from steps.serving.page import document

# The block of YAML before the text of a card on Hugging Face.
_METADATA = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


@functools.lru_cache(maxsize=2)
def render_card(card: str, version: str) -> bytes:
    """Return a page with a model card.

    Args:
        card: The card in Markdown, in which HTML has no meaning.
        version: The name of the version, for the title.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(_METADATA.sub("", card, count=1))
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(version)}: model card</title>\n<style>\n{document.style()}</style>\n</head>\n"
        f'<body class="card"><main>\n{body}</main></body>\n</html>\n'
    )
    return page.encode(errors="replace")
