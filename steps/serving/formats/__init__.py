"""How requests and answers are written.

- ``answers``: the scores of a request, written as JSON, CSV or Arrow.
- ``decoding``: rows of a request in JSON, CSV or Arrow, by the code of ``predict``.
- ``explained``: answers with what each feature contributes to a score.
- ``inference_protocol``: requests and answers of the Open Inference Protocol.
- ``protocol_metadata``: the metadata of the model in that protocol.
- ``text_tensors``: binary tensors of texts in that protocol.
"""

__all__ = ["answers", "decoding", "explained", "inference_protocol", "protocol_metadata", "text_tensors"]
