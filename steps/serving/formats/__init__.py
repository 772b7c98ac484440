"""How requests and answers are written.

- ``answers``: the scores of a request, written as JSON, CSV or Arrow.
- ``decoding``: rows of a request in JSON, CSV or Arrow, by the code of ``predict``.
- ``feature_encoder``: the features of rows from one array of their values.
- ``inference_protocol``: requests and answers of the Open Inference Protocol.
- ``plain_rows``: the short way from JSON rows to features.
- ``plain_tables``: the short way from Arrow, CSV and tensors to features.
"""

__all__ = ["answers", "decoding", "feature_encoder", "inference_protocol", "plain_rows", "plain_tables"]
