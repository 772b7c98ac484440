"""Answer requests over HTTP for the models of a run or of a registered version.

- ``app``: the routes and their OpenAPI document.
- ``documents``: the report, the model card and the training profile beside the models.
- ``drift``: compare the rows of requests with the training rows.
- ``encoding``: the fast paths from the rows of a request to features.
- ``explainer``: what each feature contributes to the log odds of a model.
- ``explanations``: requests for explanations.
- ``formats``: how requests and answers are written.
- ``gateway``: what happens to every request: id, token, limits, log, metrics.
- ``monitoring``: metrics for Prometheus.
- ``page``: the page for people.
- ``refusals``: errors that are a client's fault.
- ``schema_changes``: what clients notice when a version with another schema answers.
- ``scoring``: score the rows of many requests at once.
- ``server``: the server and its worker processes.
- ``service``: the endpoints.
- ``transport``: connections and writes.
- ``versions``: the models that answer, and how another version replaces them.
"""

__all__ = [
    "app",
    "documents",
    "drift",
    "encoding",
    "explainer",
    "explanations",
    "formats",
    "gateway",
    "monitoring",
    "page",
    "refusals",
    "schema_changes",
    "scoring",
    "server",
    "service",
    "transport",
    "versions",
]
