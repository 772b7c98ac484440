"""The endpoints: a request in, an answer out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.serving.drift import Drift
from steps.serving.explanations import Explanations
from steps.serving.formats import answers, decoding, inference_protocol
from steps.serving.formats.protocol_metadata import describe
from steps.serving.gateway import JSON, Call, Reply, refusal_reply
from steps.serving.monitoring.metrics import CONTENT_TYPE
from steps.serving.refusals import Problem, RefusalError, bad_request, refuse_rows, too_large
from steps.serving.scoring import MOST_TOGETHER, Scored, Scorer, score_features

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from steps.options.serve import ServeOptions
    from steps.schema import Schema
    from steps.serving.gateway import Endpoint
    from steps.serving.monitoring.metrics import Metrics
    from steps.serving.versions import Holder, ServedModel

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
        self._scorer, self._drift = Scorer(), Drift(metrics.drift)
        self._drift.watch(holder.model)
        self._explanations = Explanations(options, metrics)

    async def predict(self, call: Call) -> Reply:
        """Score rows with named columns."""
        model, kind, accepted = self._holder.model, _content_type(call), _accepted(call)
        writer = answers.WRITERS[accepted]
        explaining = self._explanations.find_writer(call, model, accepted) if call.query else None
        body = await self._read_body(call)
        if explaining is not None:
            arguments = (model, kind, body, self._options.max_rows, explaining)
            scored, content = await self._explanations.run(model, _predict_in_thread, *arguments)
            return self._answer(call, scored, content, accepted)
        if kind == answers.JSON and len(body) <= _SMALL_BODY and (rows := model.plain.read_rows(body)) is not None:
            decoding.require_few_rows(len(rows), self._options.max_rows)
            if len(rows) <= MOST_TOGETHER:
                scored = await self._together(model, rows)
                return self._answer(call, scored, writer(scored), accepted)
        scored, content = await self._limited(_predict_in_thread, model, kind, body, self._options.max_rows, writer)
        return self._answer(call, scored, content, accepted)

    async def infer(self, call: Call) -> Reply:
        """Score the rows of a request of the Open Inference Protocol."""
        model = self._named_model(call)
        call.fields()
        if _content_type(call) not in {answers.JSON, _BINARY}:
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json, or application/octet-stream")
        body = await self._read_body(call)
        length = call.headers.get(inference_protocol.LENGTH_HEADER)
        explaining = self._explanations.may_want_output(model, body, inference_protocol.CONTRIBUTIONS)
        arguments = (_infer_in_thread, model, body, length, self._options.max_rows, explaining)
        found = await (self._explanations.run(model, *arguments) if explaining else self._limited(*arguments))
        scored, content, size = found
        if size is None:
            return self._answer(call, scored, content, answers.JSON)
        reply = self._answer(call, scored, content, _BINARY)
        reply.headers.append((inference_protocol.LENGTH_HEADER, b"%d" % size))
        return reply

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

    def _answer(self, call: Call, scored: Scored, content: bytes, kind: str) -> Reply:
        call.rows, call.version = len(scored.best), scored.model.version
        self._metrics.count_rows(call.version, call.rows)
        if scored.model is self._holder.model:
            self._drift.add(scored)
        return Reply(content, kind.encode(), headers={answers.VERSION_HEADER: call.version.encode()})

    async def _read_body(self, call: Call) -> bytes:
        """Return the body of a request. More than the limit is not read, and neither is one that comes too slowly."""
        most = self._options.max_body
        reason = f"the body has more than {most:,} bytes: send several requests"
        given = call.header(b"content-length")
        if given.isdigit() and int(given[:20]) > most:
            raise too_large(reason, close=True)
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._options.timeout):
                async for part in call.parts():
                    size += len(part)
                    if size > most:
                        raise too_large(reason, close=True)
                    parts.append(part)
        except TimeoutError:
            reason = f"the body did not arrive in {self._options.timeout:g} seconds"
            raise RefusalError(HTTPStatus.REQUEST_TIMEOUT, reason, close=True) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _named_model(self, call: Call) -> ServedModel:
        """Return the model, if the path names it; RefusalError if it names another model or version."""
        model, path = self._holder.model, call.parameters
        if path.get("model", model.name) != model.name:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"there is no such model: ask for {model.name}")
        if path.get("version", model.version) != model.version:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"this version does not answer: {model.version} does")
        return model

    async def live(self, call: Call) -> Reply:  # noqa: ARG002 - an endpoint
        """Say that the process answers."""
        return _json({"live": True})

    async def ready(self, call: Call) -> Reply:
        """Say whether rows can be scored, which version answers, and which one was refused."""
        model, refused = self._named_model(call), self._holder.refused
        content = {"ready": True, "name": model.name, **model.facts(), "loaded": model.loaded}
        content["refused"] = refused.to_dict() if refused else None
        return _json(content)

    async def server(self, call: Call) -> Reply:  # noqa: ARG002 - an endpoint
        """Describe the server, as the Open Inference Protocol has it."""
        version = self._holder.model.version
        return _json({"name": "covertype", "version": version, "extensions": inference_protocol.EXTENSIONS})

    async def model(self, call: Call) -> Reply:
        """Describe the model, as the Open Inference Protocol has it."""
        return _json(describe(self._named_model(call)))

    async def metrics(self, call: Call) -> Reply:  # noqa: ARG002 - an endpoint
        """Return the metrics."""
        self._drift.flush()
        return Reply(self._metrics.text(), CONTENT_TYPE)

    def close(self) -> None:
        """End the threads."""
        self._scorer.close()
        self._explanations.close()


def as_endpoint(route: str, method: Endpoint, metrics: Metrics) -> Endpoint:
    """Return an endpoint that answers a refusal, and tells the log and the metrics which route it is."""

    async def endpoint(call: Call) -> Reply:
        call.route = route
        try:
            return await method(call)
        except RefusalError as refusal:
            metrics.count_refusal(refusal.status.phrase.lower())
            return refusal_reply(refusal)

    return endpoint


def _json(content: Any) -> Reply:  # noqa: ANN401 - whatever JSON has
    return Reply(answers.encode_json(content), JSON)


def _content_type(call: Call) -> str:
    """Return the content type of a body, without parameters; RefusalError for a compressed body."""
    if call.headers.get(b"content-encoding", b"identity") != b"identity":
        raise RefusalError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed: send it without Content-Encoding"
        )
    given = call.header(b"content-type", answers.JSON)
    return given if given == answers.JSON else given.partition(";")[0].strip().lower()


def _accepted(call: Call) -> str:
    """Return the content type of the answer: the first of the header ``Accept`` that can be written, or JSON."""
    given = call.headers.get(b"accept")
    if given is None or given in {b"*/*", JSON}:
        return answers.JSON
    for part in given.decode("latin-1").split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in answers.WRITERS:
            return kind
    return answers.JSON


def _predict_in_thread(
    model: ServedModel, kind: str, body: bytes, most_rows: int, writer: Callable[[Scored], bytes]
) -> tuple[Scored, bytes]:
    """Decode and score the rows of a body, and write the answer."""
    rows = model.plain.read_rows(body) if kind == answers.JSON else None
    if rows is not None:
        decoding.require_few_rows(len(rows), most_rows)
        scored = _score(model, lambda: model.plain.features(rows))
    elif kind == answers.JSON and (columns := model.plain.read_columns(body)) is not None:
        decoding.require_few_rows(len(columns[0]), most_rows)
        scored = _score(model, lambda: model.plain.column_features(columns))
    elif (table := _plain_table(model, kind, body, most_rows)) is not None:
        scored = _score_table(model, table)
    else:
        if kind not in _READERS:
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send one of {', '.join(_READERS)}")
        batch = _READERS[kind](model.schema, body, most_rows)
        scored = _score(model, lambda: model.ensemble.features(batch))
    return scored, writer(scored)


def _plain_table(model: ServedModel, kind: str, body: bytes, most_rows: int) -> pa.RecordBatch | None:
    """Return the rows of a body by the fast path, None if they must take the other one."""
    if kind == answers.ARROW:
        return model.tables.read_arrow(body, most_rows)
    table = model.tables.read_csv(body) if kind == answers.CSV else None
    if table is not None:
        decoding.require_few_rows(table.num_rows, most_rows)
    return table


def _infer_in_thread(
    model: ServedModel,
    body: bytes,
    header_length: bytes | None,
    most_rows: int,
    explaining: bool,  # noqa: FBT001 - in a thread, where all arguments are given by position
) -> tuple[Scored, bytes, int | None]:
    """Decode and score a request of the Open Inference Protocol, and write the answer.

    Explanations have a thread and limits of their own. A request that asks for them in escaped letters is not there.
    """
    inference = inference_protocol.decode(body, header_length, most_rows)
    name = inference_protocol.CONTRIBUTIONS
    if not explaining and model.explainer is not None and any(name == wanted for wanted, _ in inference.outputs):
        raise bad_request(f"write the name {name!r} of the output without escapes")
    scored = _score_table(model, inference.rows)
    return (scored, *inference_protocol.encode(scored, inference))


def _score_table(model: ServedModel, table: pa.RecordBatch) -> Scored:
    """Score rows with named columns, by the fast path if they can take it."""

    def features() -> list[NDArray[np.float32]]:
        found = model.tables.features(table)
        return model.ensemble.features(decoding.canonical_rows(model.schema, table)) if found is None else found

    return _score(model, features)


def _score(model: ServedModel, features: Callable[[], Any]) -> Scored:
    try:
        return score_features(model, features())
    except OverflowError as error:
        raise _too_large_feature(error) from None


def _too_large_feature(error: OverflowError) -> RefusalError:
    return refuse_rows([Problem(f"{error}: the values are far from those of the training data")])
