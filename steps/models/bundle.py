"""Read and write the model bundle: a folder with ``preprocessor.skops``, ``model.ubj`` and ``metadata.json``.

Equal content gives equal bytes, so that bundles can be compared by checksum. No file is a pickle. XGBoost does not
validate model files, so it reads the model only after its checksum was compared.

``features`` in ``metadata.json`` lists the inputs of the model in order. The model file has the same names, or
``f0 f1 ...`` if XGBoost rejects one of them: see :func:`steps.models.matrix.booster_names`.
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

from steps.bundles.folder import METADATA, MODEL, PREPROCESSOR, check, schema_of
from steps.bundles.stored import FORMAT
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.models.features import FeatureTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.schema import Schema

LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "skops", "xgboost")
# The names that can be read. Older files have the name of the module at that time.
_READABLE_FORMATS = (FORMAT, "steps.features")
_MODULE = FeatureTransformer.__module__
_TRUSTED = [f"{_MODULE}.{FeatureTransformer.__qualname__}"]
# The earliest time that a zip file can store.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory: the fitted transformer, the booster, and the content of ``metadata.json``."""

    transformer: FeatureTransformer
    booster: xgboost.Booster
    metadata: dict[str, Any]

    @property
    def schema(self) -> Schema:
        """The schema of the table the model was trained on."""
        return schema_of(self.metadata)

    @property
    def threshold(self) -> float:
        """The smallest score with which a row is predicted positive."""
        return float(self.metadata["threshold"])


def write_preprocessor(path: Path, transformer: FeatureTransformer) -> None:
    """Write a fitted transformer as a skops file whose bytes depend only on its state.

    skops identifies objects by their memory address and gives the zip's entries the current time. Both are replaced.
    The transformer's class is stored under ``FORMAT``, so that the file stays readable when the class moves.
    """
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return f'"__id__": {numbers.setdefault(match[1], str(len(numbers) + 1))}'

    def make_stable(document: str) -> str:
        return re.sub(r'"__id__": (\d+)', renumber, document).replace(_module_entry(_MODULE), _module_entry(FORMAT))

    storage.write_bytes(path, _change_document(skops.io.dumps(transformer), make_stable))


def read_preprocessor(path: Path) -> FeatureTransformer:
    """Read a fitted transformer.

    Raises:
        NoInputError: The file does not exist.
        BadDataError: The file is damaged, has an unknown format, or contains a type that is not trusted.
    """
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check the path")

    def make_loadable(document: str) -> str:
        for name in _READABLE_FORMATS:
            document = document.replace(_module_entry(name), _module_entry(_MODULE))
        return document

    try:
        transformer = skops.io.loads(_change_document(path.read_bytes(), make_loadable), trusted=_TRUSTED)
    except Exception as error:  # noqa: BLE001 - skops, zipfile, zlib and json have no common base class
        raise BadDataError(f"not a preprocessor ({error})", where=str(path), fix="make it again") from None
    if not isinstance(transformer, FeatureTransformer):
        kind = type(transformer).__name__
        raise BadDataError(f"not a preprocessor but a {kind}", where=str(path), fix="make it again")
    return transformer


def _module_entry(name: str) -> str:
    return f'"__module__": "{name}"'


def _change_document(data: bytes, change: Callable[[str], str]) -> bytes:
    """Return a skops file, which is a zip, with a changed ``schema.json``, sorted entries and constant times."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in sorted(source.namelist()):
            entry = source.read(name)
            if name == "schema.json":
                entry = change(entry.decode()).encode()
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), entry, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def write(folder: Path, preprocessor: Path, booster: xgboost.Booster, facts: dict[str, Any]) -> None:
    """Write a bundle.

    Args:
        folder: The folder to write. An existing bundle is replaced.
        preprocessor: The file of the fitted transformer.
        booster: The trained booster.
        facts: The content of ``metadata.json``. Checksums and library versions are added.

    Raises:
        BadDataError: The preprocessor cannot be read.
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
    """Read a bundle, after comparing the checksums of its files.

    Raises:
        NoInputError: The folder or one of its files does not exist.
        BadDataError: A file is damaged, or is not the one that ``metadata.json`` describes.
    """
    metadata = check(folder)
    return Bundle(read_preprocessor(folder / PREPROCESSOR), _read_booster(folder / MODEL), metadata)


def _read_booster(path: Path) -> xgboost.Booster:
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError:
        raise BadDataError("not an XGBoost model", where=str(path), fix="train or fetch again") from None
    return booster


def code_sha256() -> str:
    """Return the SHA-256 of the paths and contents of all modules and TOML files in ``steps``."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *root.glob("data/*.toml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
