"""What the models are for, their limits, and where the data came from; the texts are in ``data/model_card.toml``."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass

from steps.schema import DATA

_FILE = "model_card.toml"
_DEFAULT = "default"


@dataclass(frozen=True)
class IntendedUse:
    """View data of ``intended_use.html``, and the texts of the model card.

    Attributes:
        title: What the models predict; empty where nobody has named it.
        data: What the table is.
        origin: Who published it; may be empty.
        licence: Its licence; may be empty.
        intended: What the models are for.
        limits: What they are not for, and what the metrics do not say.
    """

    title: str
    data: str
    origin: str
    licence: str
    intended: tuple[str, ...]
    limits: tuple[str, ...]


@functools.cache
def intended_use(schema: str) -> IntendedUse:
    """Return the texts about the table of a schema, by its name; general ones for a table that has none."""
    texts = tomllib.loads((DATA / _FILE).read_text(encoding="utf-8"))
    found = texts.get(schema.lower(), texts[_DEFAULT])
    plain = {name: found[name] for name in ("title", "data", "origin", "licence")}
    return IntendedUse(**plain, intended=tuple(found["intended"]), limits=tuple(found["limits"]))
