"""Options of ``predict``: what is read, which models score it, and where the scores go.

Those of the scope ``FORM`` are parameters of the workflow that scores a table on a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

from steps.core import uris
from steps.core.errors import UsageError, renamed
from steps.core.options import Option, Scope
from steps.core.redaction import has_user
from steps.options.prepare import FirstLabel, check_source
from steps.options.shared import LARGEST

if TYPE_CHECKING:
    from datetime import datetime

OUTPUT_KINDS = (".parquet", ".csv", ".csv.gz")
# Stands for the day in the name of an output, so that each night's scores have a name of their own.
DATE = "{date}"


def with_date(text: str, moment: datetime) -> str:
    """Return an address with the day of a moment, in UTC, in the place of ``{date}``."""
    return text.replace(DATE, f"{moment.astimezone(UTC):%Y-%m-%d}")


def check_input(text: str) -> str:
    """Return the address of a table to score; UsageError as for :func:`check_source`, with the name of this option."""
    with renamed("--source", "--input"):
        return check_source(text)


def check_output(text: str) -> str:
    """Return the address of a file for scores with its scheme in lower case.

    Raises:
        UsageError: It is no address of a file, or its name does not end like one that can be written.
    """
    found = uris.parse(text, uris.DESTINATIONS, what="destination", where="").text
    if not found.lower().endswith(OUTPUT_KINDS):
        fix = f"let it end with {' or '.join(OUTPUT_KINDS)}"
        raise UsageError("unknown kind of file", where=f"--output {text}", fix=fix)
    return found


def check_registry(text: str) -> str:
    """Return the address of a registry with its scheme in lower case; UsageError where it is none or holds a secret."""
    if "://" in text and has_user(text):  # logs and the workflow would show it
        raise UsageError("an address must not hold a user name or password", fix="leave it out")
    return uris.parse(text, uris.DESTINATIONS, what="registry", where="").text if text else text


@dataclass(frozen=True, kw_only=True)
class RegistryOptions:
    """The version in a registry whose models score the rows."""

    registry: Annotated[
        str, Option("Registry to take the models from.", Scope.FORM, metavar="URI", check=check_registry)
    ] = ""
    version: Annotated[str, Option("Version or alias in the registry.", Scope.FORM)] = "champion"


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of ``predict``."""

    input: Annotated[
        str,
        Option(
            "Table to score: a path, file://, gs://BUCKET/OBJECT or s3://BUCKET/OBJECT (* matches several), "
            "bq://PROJECT.DATASET.TABLE or builtin:; CSV, CSV.gz or parquet, with or without labels.",
            Scope.FORM,
            metavar="URI",
            check=check_input,
        ),
    ]
    output: Annotated[
        str,
        Option(
            "File for the scores: .parquet or .csv; a path, gs:// or s3://. {date} stands for the day (UTC).",
            Scope.FORM,
            metavar="URI",
            check=check_output,
        ),
    ]
    keep: Annotated[str, Option("Columns of the input to copy to the output, separated by commas.", Scope.FORM)] = ""
    first_label: Annotated[
        FirstLabel,
        Option("Number from which the input counts its labels, if it has any; auto: find out.", Scope.FORM),
    ] = FirstLabel.AUTO
    rejects: Annotated[
        str, Option("CSV file for the rows that cannot be scored; default: the output's name with .rejects.csv.")
    ] = ""
    max_rejects: Annotated[
        int,
        Option("Largest number of rows that may be rejected; with more, nothing is published.", Scope.FORM, minimum=0),
    ] = 0
    overwrite: Annotated[bool, Option("Replace an output that is there already.")] = False
    threads: Annotated[int, Option("Threads; 0: one for each core.", minimum=0, maximum=LARGEST)] = 0
