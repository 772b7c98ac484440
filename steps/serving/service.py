"""The endpoints: a request in, an answer out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from steps.serving import answers, decoding, inference_protocol
from steps.serving.metrics import CONTENT_TYPE
from steps.serving.refusals import Problem, RefusalError, refuse_rows, too_large
from steps.serving.scoring import MOST_TOGETHER, Scored, Scorer, score_features

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pyarrow as pa
    from starlette.requests import Request

    from steps.options.serve import ServeOptions
    from steps.schema import Schema
    from steps.serving.metrics import Metrics
    from steps.serving.versions import Holder, ServedModel

    Endpoint = Callable[[Request], Awaitable[Response]]

# A larger body is decoded in the thread for large requests.
_SMALL_BODY = 16 << 10
_READERS: dict[str, Callable[[Schema, bytes, int], pa.RecordBatch]] = {
    answers.JSON: decoding.read_json,
    answers.CSV: decoding.read_csv,
    answers.ARROW: decoding.read_arrow,
}
_BINARY = "application/octet-stream"


class Service:
    """The endpoints.

    Args:
        holder: The models that answer.
        options: The limits.
        metrics: The metrics.
    """

    def __init__(self, holder: Holder, options: ServeOptions, metrics: Metrics) -> None:
        self._holder, self._options, self._metrics = holder, options, metrics
        self._scorer = Scorer()

    async def predict(self, request: Request) -> Response:
        """Score rows with named columns."""
        model, kind = self._holder.model, _content_type(request)
        writer = answers.WRITERS[_accepted(request)]
        body = await self._read_body(request)
        if kind == answers.JSON and len(body) <= _SMALL_BODY and (rows := _plain_rows(model, body)) is not None:
            decoding.require_few_rows(len(rows), self._options.max_rows)
            if len(rows) <= MOST_TOGETHER:
                scored = await self._together(model, rows)
                return self._answer(request, scored, writer(scored), _accepted(request))
        scored, content = await self._limited(_predict_in_thread, model, kind, body, self._options.max_rows, writer)
        return self._answer(request, scored, content, _accepted(request))

    async def infer(self, request: Request) -> Response:
        """Score the rows of a request of the Open Inference Protocol."""
        model = self._named_model(request)
        if _content_type(request) not in {answers.JSON, _BINARY}:
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json, or application/octet-stream")
        body = await self._read_body(request)
        length = request.headers.get(inference_protocol.LENGTH_HEADER)
        arguments = (model, body, length, self._options.max_rows)
        scored, content, size = await self._limited(_infer_in_thread, *arguments)
        if size is None:
            return self._answer(request, scored, content, answers.JSON)
        response = self._answer(request, scored, content, _BINARY)
        response.headers[inference_protocol.LENGTH_HEADER] = str(size)
        return response

    async def _together(self, model: ServedModel, rows: list[Any]) -> Scored:
        try:
            return await self._scorer.together(model, rows)
        except OverflowError as error:
            raise _too_large_feature(error) from None

    async def _limited(self, action: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - as it returns
        """Call a function in the thread for large requests, and wait as long as the limit allows."""
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._scorer.in_thread(action, *arguments)
        except TimeoutError:
            self._metrics.count_refusal("time")
            reason = f"no answer in {self._options.timeout:g} seconds: send fewer rows"
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, reason) from None

    def _answer(self, request: Request, scored: Scored, content: bytes, kind: str) -> Response:
        facts, rows = request.scope["covertype"], len(scored.best)
        facts["rows"], facts["version"] = rows, scored.model.version
        self._metrics.count_rows(scored.model.version, rows)
        return Response(content, headers={answers.VERSION_HEADER: scored.model.version}, media_type=kind)

    async def _read_body(self, request: Request) -> bytes:
        """Return the body of a request. More than the limit is not read, and neither is one that comes too slowly."""
        most = self._options.max_body
        reason = f"the body has more than {most:,} bytes: send several requests"
        given = request.headers.get("content-length", "")
        if given.isdigit() and int(given[:20]) > most:
            raise too_large(reason, close=True)
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._options.timeout):
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise too_large(reason, close=True)
                    parts.append(part)
        except TimeoutError:
            reason = f"the body did not arrive in {self._options.timeout:g} seconds"
            raise RefusalError(HTTPStatus.REQUEST_TIMEOUT, reason, close=True) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _named_model(self, request: Request) -> ServedModel:
        """Return the model, if the path names it; RefusalError if it names another model or version."""
        model, path = self._holder.model, request.path_params
        if path.get("model", model.name) != model.name:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"there is no such model: ask for {model.name}")
        if path.get("version", model.version) != model.version:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"this version does not answer: {model.version} does")
        return model

    async def live(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        """Say that the process answers."""
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        """Say whether rows can be scored, which version answers, and which one was refused."""
        model, refused = self._named_model(request), self._holder.refused
        content = {"ready": True, "name": model.name, **model.facts(), "loaded": model.loaded}
        content["refused"] = refused.to_dict() if refused else None
        return _json(content)

    async def server(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        """Describe the server, as the Open Inference Protocol has it."""
        version = self._holder.model.version
        return _json({"name": "covertype", "version": version, "extensions": inference_protocol.EXTENSIONS})

    async def model(self, request: Request) -> Response:
        """Describe the model, as the Open Inference Protocol has it."""
        return _json(inference_protocol.describe(self._named_model(request)))

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        """Return the metrics."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    def close(self) -> None:
        """End the thread for large requests."""
        self._scorer.close()


def as_endpoint(route: str, method: Endpoint, metrics: Metrics) -> Endpoint:
    """Return an endpoint that answers a refusal, and tells the log and the metrics which route it is."""

    async def endpoint(request: Request) -> Response:
        request.scope["covertype"]["route"] = route
        try:
            return await method(request)
        except RefusalError as refusal:
            metrics.count_refusal(refusal.status.phrase.lower())
            response = _json(refusal.content(), refusal.status)
            response.headers.update(refusal.headers())
            return response

    return endpoint


def _json(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:  # noqa: ANN401 - whatever JSON has
    return Response(answers.encode_json(content), status, media_type=answers.JSON)


def _content_type(request: Request) -> str:
    """Return the content type of a body, without parameters; RefusalError for a body that is packed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is packed: send it without Content-Encoding")
    return request.headers.get("content-type", answers.JSON).partition(";")[0].strip().lower()


def _accepted(request: Request) -> str:
    """Return the content type of the answer: the first of the header ``Accept`` that can be written, or JSON."""
    for part in request.headers.get("accept", "").split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in answers.WRITERS:
            return kind
    return answers.JSON


def _plain_rows(model: ServedModel, body: bytes) -> list[Any] | None:
    """Return the rows of a JSON body by the short way, None if they must take the other one."""
    if not model.plain.possible:
        return None
    try:
        return model.plain.decode(body) or None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _predict_in_thread(
    model: ServedModel, kind: str, body: bytes, most_rows: int, writer: Callable[[Scored], bytes]
) -> tuple[Scored, bytes]:
    """Decode and score the rows of a body, and write the answer."""
    rows = _plain_rows(model, body) if kind == answers.JSON else None
    if rows is not None:
        decoding.require_few_rows(len(rows), most_rows)
        scored = _score(model, lambda: model.plain.features(rows))
    else:
        if kind not in _READERS:
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send one of {', '.join(_READERS)}")
        batch = _READERS[kind](model.schema, body, most_rows)
        scored = _score(model, lambda: model.ensemble.features(batch))
    return scored, writer(scored)


def _infer_in_thread(
    model: ServedModel, body: bytes, header_length: str | None, most_rows: int
) -> tuple[Scored, bytes, int | None]:
    """Decode and score a request of the Open Inference Protocol, and write the answer."""
    inference = inference_protocol.decode(body, header_length, most_rows)
    batch = decoding.canonical_rows(model.schema, inference.rows)
    scored = _score(model, lambda: model.ensemble.features(batch))
    return (scored, *inference_protocol.encode(scored, inference))


def _score(model: ServedModel, features: Callable[[], Any]) -> Scored:
    try:
        return score_features(model, features())
    except OverflowError as error:
        raise _too_large_feature(error) from None


def _too_large_feature(error: OverflowError) -> RefusalError:
    return refuse_rows([Problem(f"{error}: the values are far from those of the training data")])
