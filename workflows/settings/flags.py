"""What the command line shows of a setting, kept beside the setting's type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

JOB, CLUSTER, LOCAL = "Job", "On a cluster", "On this machine"


@dataclass(frozen=True)
class Flag:
    """A setting that has a flag, by its name.

    Attributes:
        help: one or two sentences, for the help text and the configuration's JSON schema.
        panel: the group of the help text; flags of ``LOCAL`` are for verbs that run here.
        metavar: what stands for the value in the help text.
        default: the default in words, where the value itself says nothing.
    """

    help: str
    panel: str = JOB
    metavar: str | None = None
    default: str = ""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Put the help text into the JSON schema."""
        return {**handler(core_schema), "description": self.help}
