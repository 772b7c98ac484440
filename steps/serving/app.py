"""The routes and their OpenAPI document."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation
from starlette.responses import Response

from steps.serving.formats import answers, inference_protocol
from steps.serving.formats.explained import PARAMETER
from steps.serving.gateway import Gateway, JsonLog
from steps.serving.page.endpoints import Page
from steps.serving.service import Service, as_endpoint
from steps.serving.versions import ordinary_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from steps.options.serve import ServeOptions
    from steps.schema import Column, Schema
    from steps.serving.gateway import Call, Endpoint, Reply
    from steps.serving.monitoring.metrics import Metrics
    from steps.serving.versions import Holder, Reloader, ServedModel

_PATH_PARAMETERS = {"model": "Name of the model.", "version": "Name of the version."}
_STRING = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "The first problem."},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": ["integer", "null"]},
                    "column": {"type": ["string", "null"]},
                    "reason": _STRING,
                },
            },
        },
    },
}
_REFUSALS = {
    400: "The request is not written in the form of its content type, or has a parameter that the route does not have.",
    401: "The token is missing or wrong.",
    404: "There is no such model or version.",
    408: "The body did not arrive in time.",
    413: "There are more bytes or rows than are allowed.",
    415: "The content type is not known.",
    422: "A row cannot be scored; the answer names row, column and reason.",
    429: "Too many requests are being handled.",
}
_ROUTE_ERRORS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "there is no such route: /openapi.json lists them",
    HTTPStatus.METHOD_NOT_ALLOWED: "this route has another method: /openapi.json lists them",
}


def make_app(  # noqa: PLR0913 - what the parts of a service are
    holder: Holder, options: ServeOptions, *, metrics: Metrics, token: str, reloader: Reloader | None, log: JsonLog
) -> Gateway:
    """Return the application that answers all requests.

    Args:
        holder: The models that answer.
        options: The limits.
        metrics: The metrics.
        token: The token that clients must send; empty for none.
        reloader: What follows the alias; None for models that never change.
        log: The log.
    """
    service = Service(holder, options, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(reloader.run()) if reloader else None
        yield
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        service.close()
        log.flush()

    app = FastAPI(
        title="Covertype",
        version=holder.model.version,
        summary="Scores rows with one model for each cover type.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _answer_http_error},
    )
    schema = holder.model.schema
    routes: dict[str, tuple[str, Endpoint, dict[str, Any]]] = {
        "/predict": ("POST", service.predict, _predict_documentation(schema, holder.model)),
        "/v2": ("GET", service.server, {"summary": "Describe the server."}),
        "/v2/health/live": ("GET", service.live, {"summary": "Say that the process answers."}),
        "/v2/health/ready": ("GET", service.ready, {"summary": "Say that rows can be scored, and by which version."}),
        "/metrics": ("GET", service.metrics, {"summary": "Metrics for Prometheus."}),
    }
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes[path] = ("GET", service.model, {"summary": "Describe the model."})
        routes[f"{path}/ready"] = ("GET", service.ready, {"summary": "Say that the model can score rows."})
        routes[f"{path}/infer"] = ("POST", service.infer, _infer_documentation(schema))
    routes |= Page(holder, options).routes()
    endpoints = {path: as_endpoint(path, method, metrics) for path, (_, method, _) in routes.items()}
    for path, (verb, _, documentation) in routes.items():
        _add_route(app, path, verb, endpoints[path], documentation)
    name = holder.model.name
    shortcuts = {"/predict": endpoints["/predict"]}
    if quote(name, safe="") == name:
        shortcuts[f"/v2/models/{name}/infer"] = _shortcut(endpoints["/v2/models/{model}/infer"], {"model": name})
    return Gateway(
        app,
        shortcuts=shortcuts,
        token=token,
        most=options.max_concurrent,
        metrics=metrics,
        log=log,
        access_log=options.access_log,
    )


def _shortcut(endpoint: Endpoint, parameters: dict[str, str]) -> Endpoint:
    """Return an endpoint whose path has these variables."""

    async def with_parameters(call: Call) -> Reply:
        call.parameters = parameters
        return await endpoint(call)

    return with_parameters


async def _answer_http_error(_: Request, error: Exception) -> Response:
    """Answer an error of the routes as all other errors are answered."""
    status = getattr(error, "status_code", 500)
    reason = _ROUTE_ERRORS.get(status, str(getattr(error, "detail", "error")))
    content = answers.encode_json({"error": reason, "problems": []})
    headers = dict(getattr(error, "headers", None) or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    return Response(content, status, headers=headers, media_type=answers.JSON)


def _add_route(app: FastAPI, path: str, verb: str, endpoint: Endpoint, documentation: dict[str, Any]) -> None:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _STRING, "description": text}
        for name, text in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in path
    ]
    errors = _REFUSALS if verb == "POST" else {404: _REFUSALS[404], 401: _REFUSALS[401]}
    content = {answers.JSON: {"schema": _ERROR}}
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": content} for status, text in errors.items()
    }
    responses[200] = {"description": "The answer.", "content": documentation.get("answer", {answers.JSON: {}})}
    extra: dict[str, Any] = {"parameters": [*parameters, *documentation.get("parameters", [])]}
    if body := documentation.get("body"):
        extra["requestBody"] = {"required": True, "content": body}

    async def documented(request: Request) -> Response:
        call: Call = request.scope["covertype"]
        call.parameters = request.path_params
        reply = await endpoint(call)
        headers = {name.decode(): value.decode() for name, value in reply.headers}
        return Response(reply.content, reply.status, headers)

    app.add_api_route(
        path,
        documented,
        methods=[verb],
        summary=documentation["summary"],
        description=documentation.get("description"),
        operation_id=f"{verb} {path}".lower().translate(str.maketrans(" /{}", "____")),
        responses=responses,
        response_class=Response,
        openapi_extra=extra,
    )


def _predict_documentation(schema: Schema, model: ServedModel) -> dict[str, Any]:
    columns = {column.name: _column_schema(column) for column in schema.columns}
    row = {"type": "object", "required": list(columns), "properties": columns}
    lists = {name: {"type": "array", "items": each} for name, each in columns.items()}
    values = example_row(schema)
    line = ",".join(map(str, values.values()))
    prediction = {
        "type": "object",
        "properties": {
            "cover_type": {"type": ["integer", "string"]},
            "probability": {"type": "number", "description": "Calibrated probability of this cover type."},
            "scores": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    }
    answer = {
        "type": "object",
        "properties": {
            "model_name": _STRING,
            "model_version": _STRING,
            "predictions": {"type": "array", "items": prediction},
        },
    }
    binary = {"schema": {"type": "string", "format": "binary"}}
    description = "true: contributions for the predicted cover type. all: for all of them. Or the name of one."
    explain = {"name": PARAMETER, "in": "query", "schema": _STRING, "description": description}
    return {
        "summary": "Score one row or many.",
        "parameters": [explain] if model.explainer is not None else [],
        "description": "JSON: a row, an array of rows, or a list for each column. CSV and Arrow: a table.",
        "body": {
            answers.JSON: {
                "schema": {
                    "anyOf": [row, {"type": "array", "items": row}, {**row, "properties": lists}],
                },
                "examples": {
                    "one row": {"value": values},
                    "two rows": {"value": [values, values]},
                    "columns": {"value": {name: [value, value] for name, value in values.items()}},
                },
            },
            answers.CSV: {"schema": _STRING, "example": f"{','.join(values)}\n{line}\n"},
            answers.ARROW: binary,
        },
        "answer": {answers.JSON: {"schema": answer}, answers.CSV: {"schema": _STRING}, answers.ARROW: binary},
    }


def _infer_documentation(schema: Schema) -> dict[str, Any]:
    values = list(example_row(schema).values())
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": {"enum": [column.name for column in schema.columns]},
            "datatype": _STRING,
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "data": {"type": "array"},
            "parameters": {"type": "object"},
        },
    }
    request = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": _STRING,
            "inputs": {"type": "array", "items": tensor},
            "outputs": {"type": "array", "items": {"type": "object"}},
            "parameters": {"type": "object"},
        },
    }
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "summary": "Score rows by the Open Inference Protocol.",
        "description": "Each column is an input. Outputs: scores, cover_type, probability.",
        "body": {
            answers.JSON: {"schema": request, "example": inference_protocol.example(schema, values)},
            "application/octet-stream": binary,
        },
        "answer": {answers.JSON: {"schema": {"type": "object"}}, "application/octet-stream": binary},
    }


def example_row(schema: Schema) -> dict[str, float | str]:
    """Return a row of ordinary values."""
    return {column.name: ordinary_value(column) for column in schema.columns}


def _column_schema(column: Column) -> dict[str, Any]:
    """Return the JSON schema of a column's values."""
    if column.categorical:
        return {"enum": [*column.values, None]}
    kind = "number" if column.dtype.startswith("float") else "integer"
    limits = {"minimum": column.minimum, "maximum": column.maximum}
    found: dict[str, Any] = {"type": [kind, "null"], "description": column.unit}
    return found | {name: value for name, value in limits.items() if value is not None}
