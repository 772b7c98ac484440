"""Answer requests over HTTP for the models of a run or of a registered version.

- ``answers``: the scores of a request, written as JSON, CSV or Arrow.
- ``app``: the routes and their OpenAPI document.
- ``decoding``: rows of a request in JSON, CSV or Arrow, by the code of ``predict``.
- ``gateway``: what happens to every request: id, token, limits, log, metrics.
- ``inference_protocol``: requests and answers of the Open Inference Protocol.
- ``metrics``: metrics for Prometheus.
- ``plain_rows``: the short way from JSON rows to features.
- ``refusals``: errors that are a client's fault.
- ``scoring``: score the rows of many requests at once.
- ``server``: the server and its worker processes.
- ``service``: the endpoints.
- ``versions``: the models that answer, and how another version replaces them.
"""

__all__ = [
    "answers",
    "app",
    "decoding",
    "gateway",
    "inference_protocol",
    "metrics",
    "plain_rows",
    "refusals",
    "scoring",
    "server",
    "service",
    "versions",
]
