"""The policy of the gate: margins, floors and limits, read strictly from a TOML file.

``steps/data/gate_policy.toml`` has the defaults and documents every key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Policy:
    """The conditions for a new champion. The fields follow the tables of the file."""

    promote: tuple[str, ...] = ("better",)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain JSON values, with the defaults of keys that the file leaves out."""
        raise NotImplementedError


def read_policy(path: Path | None = None) -> Policy:
    """Read a policy; None for the default one.

    Raises:
        NoInputError: The file does not exist.
        BadConfigurationError: The file is not TOML, or a key is unknown or has a wrong type. The message names it.
    """
    raise NotImplementedError


def parse_policy(text: str, where: str) -> Policy:
    """Return the policy in a TOML text, for a policy that travels in a workflow; errors as :func:`read_policy`."""
    raise NotImplementedError
