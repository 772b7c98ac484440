"""The routes of the page and of the documents that it links to."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.serving.formats import answers
from steps.serving.gateway import JSON, Reply
from steps.serving.page import document
from steps.serving.page.card import render_card
from steps.serving.page.description import describe
from steps.serving.refusals import RefusalError

if TYPE_CHECKING:
    from steps.options.serve import ServeOptions
    from steps.serving.gateway import Call, Endpoint
    from steps.serving.versions import Holder

_HTML = {"text/html": {"schema": {"type": "string"}}}
_DESCRIPTION = {answers.JSON: {"schema": {"type": "object"}}}


class Page:
    """The endpoints for people.

    Args:
        holder: The models that answer.
        options: The limits.
    """

    def __init__(self, holder: Holder, options: ServeOptions) -> None:
        self._holder, self._options = holder, options

    def routes(self) -> dict[str, tuple[str, Endpoint, dict[str, Any]]]:
        """Return verb, endpoint and documentation of each path."""
        return {
            "/": ("GET", self.page, {"summary": "A page to try the models; needs no token.", "answer": _HTML}),
            "/model": ("GET", self.model, {"summary": "Columns, thresholds and limits.", "answer": _DESCRIPTION}),
            "/report": ("GET", self.report, {"summary": "The report of the version.", "answer": _HTML}),
            "/model-card": ("GET", self.card, {"summary": "The model card of the version.", "answer": _HTML}),
        }

    async def page(self, call: Call) -> Reply:  # noqa: ARG002 - an endpoint
        """Return the page, which is the same for all models."""
        content, policy = document.page()
        return Reply(content, document.HTML, headers=document.headers(policy))

    async def model(self, call: Call) -> Reply:  # noqa: ARG002 - an endpoint
        """Describe the version that answers."""
        content = answers.encode_json(describe(self._holder.model, self._options))
        return Reply(content, JSON, headers={b"x-content-type-options": b"nosniff", b"cache-control": b"no-store"})

    async def report(self, call: Call) -> Reply:
        """Return the report of the version that answers."""
        model = self._holder.model
        if model.documents.report is None:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"there is no report beside the models of {model.version}")
        call.version = model.version
        return _static(model.documents.report)

    async def card(self, call: Call) -> Reply:
        """Return the model card of the version that answers."""
        model = self._holder.model
        if model.documents.card is None:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"{model.version} has no model card: only registered versions do")
        call.version = model.version
        # The first call imports a library.
        return _static(await asyncio.to_thread(render_card, model.documents.card, model.version))


def _static(content: bytes) -> Reply:
    return Reply(content, document.HTML, headers=document.headers(document.static_policy()))
