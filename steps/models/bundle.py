"""The model bundle: ``preprocessor.skops``, ``model.ubj`` and ``metadata.json`` in one folder.

Equal content gives equal bytes, so that bundles can be compared by checksum. Nothing in it is a pickle; the model is
handed to XGBoost only after its checksum was compared, since XGBoost does not sanitise model files.

``features`` in ``metadata.json`` names the model's inputs in their order. The model file has the same names, or
``f0 f1 ...`` in the same order where XGBoost refuses one of them: see :func:`steps.models.matrix.booster_names`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import skops.io
import xgboost

from steps import schema as schemas
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.models.features import FeatureTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.schema import Schema

PREPROCESSOR, MODEL, METADATA = "preprocessor.skops", "model.ubj", "metadata.json"
LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "skops", "xgboost")
# What stands for the transformer's class in a preprocessor file, whatever its module is called in this version; its
# state has another format when its attributes change. Files from before formats had names hold the module's name.
FORMAT = "covertype.features.v1"
_FORMATS = (FORMAT, "steps.features")
_MODULE = FeatureTransformer.__module__
_TRUSTED = [f"{_MODULE}.{FeatureTransformer.__qualname__}"]
# What the steps after training read of ``metadata.json``.
_FACTS: dict[str, type | tuple[type, ...]] = {
    "cover_type": str,
    "label": (int, str),
    "threshold": float,
    "features": list,
    "schema": str,
    "sha256": dict,
}
# The earliest time a zip file can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """A model that was read back: the fitted transformer, the booster and what ``metadata.json`` says."""

    transformer: FeatureTransformer
    booster: xgboost.Booster
    metadata: dict[str, Any]

    @property
    def schema(self) -> Schema:
        """The schema of the table the model was trained on."""
        return schemas.from_json(self.metadata["schema"])

    @property
    def threshold(self) -> float:
        """The score from which on a row counts as of this cover type."""
        return float(self.metadata["threshold"])


def write_preprocessor(path: Path, transformer: FeatureTransformer) -> None:
    """Write a fitted transformer as a skops file whose bytes depend on its state alone.

    skops names objects by their memory address and stamps the zip's entries with the time: both are replaced. The
    transformer's class is stored under ``FORMAT``, so that the file can be read wherever the class lies by then.
    """
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return f'"__id__": {numbers.setdefault(match[1], str(len(numbers) + 1))}'

    def stable(document: str) -> str:
        return re.sub(r'"__id__": (\d+)', renumber, document).replace(_module_entry(_MODULE), _module_entry(FORMAT))

    storage.write_bytes(path, _with_document(skops.io.dumps(transformer), stable))


def read_preprocessor(path: Path) -> FeatureTransformer:
    """Read a transformer; BadDataError where the file is damaged or holds a type that is not trusted."""
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check the path")

    def loadable(document: str) -> str:
        for name in _FORMATS:
            document = document.replace(_module_entry(name), _module_entry(_MODULE))
        return document

    try:
        transformer = skops.io.loads(_with_document(path.read_bytes(), loadable), trusted=_TRUSTED)
    except Exception as error:  # noqa: BLE001 - skops, zipfile, zlib and json each raise their own
        raise BadDataError(f"not a preprocessor ({error})", where=str(path), fix="make it again") from None
    if not isinstance(transformer, FeatureTransformer):
        kind = type(transformer).__name__
        raise BadDataError(f"not a preprocessor but a {kind}", where=str(path), fix="make it again")
    return transformer


def _module_entry(name: str) -> str:
    return f'"__module__": "{name}"'


def _with_document(data: bytes, change: Callable[[str], str]) -> bytes:
    """Return a skops file, a zip, with its ``schema.json`` changed, its entries in order and without times."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in sorted(source.namelist()):
            entry = source.read(name)
            if name == "schema.json":
                entry = change(entry.decode()).encode()
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), entry, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def write(folder: Path, preprocessor: Path, booster: xgboost.Booster, facts: dict[str, Any]) -> None:
    """Write a bundle; ``facts`` go into ``metadata.json`` beside the checksums and versions.

    Raises:
        BadDataError: the preprocessor cannot be read back.
    """
    read_preprocessor(preprocessor)
    with storage.atomic_folder(folder) as temporary:
        (temporary / PREPROCESSOR).write_bytes(preprocessor.read_bytes())
        (temporary / MODEL).write_bytes(bytes(booster.save_raw("ubj")))
        metadata = {
            **facts,
            "sha256": {name: storage.sha256_file(temporary / name) for name in (PREPROCESSOR, MODEL)},
            "code_sha256": code_sha256(),
            "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES if name != "xgboost"}
            | {"xgboost": xgboost.__version__},
        }
        storage.write_json(temporary / METADATA, metadata)


def read(folder: Path) -> Bundle:
    """Read a bundle after comparing the checksums of its files.

    Raises:
        NoInputError: the folder or one of its files is missing.
        BadDataError: a file is not the one that ``metadata.json`` describes.
    """
    for name in (METADATA, PREPROCESSOR, MODEL):
        if not (folder / name).is_file():
            raise NoInputError(f"no {name}", where=str(folder), fix="give the folder of a model bundle")
    metadata = _read_metadata(folder / METADATA)
    for name in (PREPROCESSOR, MODEL):
        if storage.sha256_file(folder / name) != metadata["sha256"].get(name):
            what = "checksum does not match the metadata"
            raise BadDataError(what, where=str(folder / name), fix="train or fetch again")
    return Bundle(read_preprocessor(folder / PREPROCESSOR), _read_booster(folder / MODEL), metadata)


def _read_metadata(path: Path) -> dict[str, Any]:
    """Read ``metadata.json``; BadDataError names what is missing in it or has another type."""
    try:
        metadata: dict[str, Any] = storage.read_json(path)
        wrong = [name for name, kind in _FACTS.items() if not isinstance(metadata.get(name), kind)]
        reason = f"{wrong[0]!r} is missing or wrong" if wrong else ""
    except (ValueError, AttributeError) as error:  # no JSON, or not an object
        reason = str(error)
    if reason:
        what = f"not a bundle's metadata ({reason})"
        raise BadDataError(what, where=str(path), fix="train or fetch again")
    return metadata


def _read_booster(path: Path) -> xgboost.Booster:
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError:
        raise BadDataError("not an XGBoost model", where=str(path), fix="train or fetch again") from None
    return booster


def code_sha256() -> str:
    """Return the SHA-256 over the names and contents of all modules and settings in ``steps``."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *root.glob("data/*.toml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
