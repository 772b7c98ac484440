"""How requests and answers are written.

- ``answers``: the scores of a request, written as JSON, CSV or Arrow.
- ``decoding``: rows of a request in JSON, CSV or Arrow, by the code of ``predict``.
- ``inference_protocol``: requests and answers of the Open Inference Protocol.
- ``protocol_metadata``: the metadata of the model in that protocol.
"""

__all__ = ["answers", "decoding", "inference_protocol", "protocol_metadata"]
