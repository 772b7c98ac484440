"""Answer requests over HTTP for the models of a run or of a registered version.

- ``app``: the routes and their OpenAPI document.
- ``documents``: the report, the model card and the training profile beside the models.
- ``formats``: how requests and answers are written.
- ``gateway``: what happens to every request: id, token, limits, log, metrics.
- ``metrics``: metrics for Prometheus.
- ``page``: the page for people.
- ``plain_rows``: the short way from JSON rows to features.
- ``refusals``: errors that are a client's fault.
- ``scoring``: score the rows of many requests at once.
- ``server``: the server and its worker processes.
- ``service``: the endpoints.
- ``versions``: the models that answer, and how another version replaces them.
"""

__all__ = [
    "app",
    "documents",
    "formats",
    "gateway",
    "metrics",
    "page",
    "plain_rows",
    "refusals",
    "scoring",
    "server",
    "service",
    "versions",
]
