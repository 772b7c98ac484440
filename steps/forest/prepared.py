"""Read and write a prepared forest: one file with the packed trees, beside the models it was made from.

The first line is the SHA-256 of all that follows. The second is JSON, which names the models by their SHA-256, the
version of XGBoost, and the dtype and shape of each array. The arrays follow. The file has no code: the kernels are
compiled by the process that reads it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.core import storage
from steps.forest.packing import FORMATS, PackedTrees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Change it when the meaning of an array changes: other files are ignored.
FORMAT = "covertype.forest.v1"
_ALIGNMENT = 64


@dataclass(frozen=True)
class Prepared:
    """A forest, and rows with the probabilities that XGBoost computed for them.

    Attributes:
        packed: The trees.
        rows: The rows (float32, shape (rows, features)).
        scores: The probabilities (float32, shape (models, rows)).
    """

    packed: PackedTrees
    rows: NDArray[np.float32]
    scores: NDArray[np.float32]


def write(path: Path, prepared: Prepared, digests: Sequence[str]) -> None:
    """Write a prepared forest atomically.

    Args:
        path: The file.
        prepared: The forest.
        digests: The SHA-256 of each model file, in the order of the models.
    """
    arrays = {name: value for name, value in vars(prepared.packed).items() if isinstance(value, np.ndarray)}
    arrays |= {"rows": prepared.rows, "scores": prepared.scores}
    header = {
        **_identity(digests),
        "features": prepared.packed.features,
        "word": asdict(prepared.packed.format),
        "arrays": {name: [array.dtype.str, array.shape] for name, array in arrays.items()},
    }
    parts = [_padded(np.ascontiguousarray(array).tobytes()) for array in arrays.values()]
    content = b"".join((json.dumps(header).encode(), b"\n", *parts))
    storage.write_bytes(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def _identity(digests: Sequence[str]) -> dict[str, Any]:
    return {"format": FORMAT, "models": list(digests), "xgboost": _xgboost_version()}


def _xgboost_version() -> str:
    """Return the version of the installed build of XGBoost. Importing it would take longer than all of the forest."""
    for build in ("xgboost-cpu", "xgboost"):
        with suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(build)
    return ""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def read(path: Path, digests: Sequence[str]) -> Prepared | None:
    """Return the forest of a file, or None if the file is missing, damaged, or of other models or versions."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, _, content = data.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        return None
    line, _, body = content.partition(b"\n")
    header, expected = json.loads(line), _identity(digests)
    if not expected["xgboost"]:
        # Nothing to compare with: the scores in the file are those of the version that it names.
        del expected["xgboost"]
    if {name: header.get(name) for name in expected} != expected:
        return None
    arrays, at = {}, 0
    for name, (kind, shape) in header["arrays"].items():
        # A copy is aligned, and in large pages if the system has them.
        arrays[name] = np.frombuffer(body, kind, int(np.prod(shape)), at).reshape(shape).copy()
        at += -(-arrays[name].nbytes // _ALIGNMENT) * _ALIGNMENT
    form = next(form for form in FORMATS if asdict(form) == header["word"])
    own = {field.name: arrays[field.name] for field in fields(PackedTrees) if field.name in arrays}
    return Prepared(PackedTrees(format=form, features=header["features"], **own), arrays["rows"], arrays["scores"])
