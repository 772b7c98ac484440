"""Answer requests over HTTP for the models of a run or of a registered version.

- ``app``: the routes and their OpenAPI document.
- ``connections``: clients that are slow, idle or too many.
- ``documents``: the report, the model card and the training profile beside the models.
- ``encoding``: the short ways from the rows of a request to features.
- ``formats``: how requests and answers are written.
- ``gateway``: what happens to every request: id, token, limits, log, metrics.
- ``metrics``: metrics for Prometheus.
- ``monitoring``: compare the rows of requests with the training rows.
- ``page``: the page for people.
- ``refusals``: errors that are a client's fault.
- ``scoring``: score the rows of many requests at once.
- ``server``: the server and its worker processes.
- ``service``: the endpoints.
- ``versions``: the models that answer, and how another version replaces them.
- ``writes``: head and body of an answer in one write.
"""

__all__ = [
    "app",
    "connections",
    "documents",
    "encoding",
    "formats",
    "gateway",
    "metrics",
    "monitoring",
    "page",
    "refusals",
    "scoring",
    "server",
    "service",
    "versions",
    "writes",
]
