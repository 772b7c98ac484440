"""Options of ``prepare``: which source is read, and which of its rows are used."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Annotated

from steps.core import quantities, uris
from steps.core.errors import UsageError
from steps.core.options import Group, Notation, Option, Scope
from steps.core.redaction import has_user
from steps.core.times import parse_time

# Bytes that a query may bill without being asked for more: 100 GiB.
MAXIMUM_BYTES_BILLED = 100 << 30
# Regions and multi-regions: https://cloud.google.com/bigquery/docs/locations.
_LOCATION = re.compile(r"[A-Za-z0-9-]*", re.ASCII)


class FirstLabel(enum.StrEnum):
    """The number from which a source counts its labels."""

    AUTO = "auto"
    ZERO = "zero"
    ONE = "one"


class OnMissing(enum.StrEnum):
    """What to do with a row that has a missing value."""

    FAIL = "fail"
    DROP = "drop"
    KEEP = "keep"


class Duplicates(enum.StrEnum):
    """What to do with a row that is equal to an earlier one."""

    KEEP = "keep"
    DROP = "drop"


def check_source(text: str) -> str:
    """Return an address of a source with its scheme in lower case; UsageError where it is none, or holds a secret."""
    if "://" in text and has_user(text):  # logs and the workflow would show it
        raise UsageError("an address must not hold a user name or password", fix="leave it out")
    return uris.parse(text).text


def check_time(text: str) -> str:
    """Return a time as it is written; UsageError where it is none."""
    parse_time(text)
    return text


def check_location(text: str) -> str:
    """Return a location of BigQuery as it is written; UsageError where it cannot be one."""
    if not _LOCATION.fullmatch(text):
        raise UsageError(f"{text!r} is no location of BigQuery", fix="write one such as EU or europe-west1")
    return text


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """Options of ``prepare``."""

    source: Annotated[
        str,
        Option(
            "Source table: builtin:, a path, file://, gs://BUCKET/OBJECT or s3://BUCKET/OBJECT (* matches "
            "several) or bq://PROJECT.DATASET.TABLE; CSV, CSV.gz or parquet.",
            Scope.FORM,
            metavar="URI",
            check=check_source,
            group=Group.DATA,
        ),
    ] = uris.BUILTIN
    snapshot_time: Annotated[
        str,
        Option(
            "Read BigQuery as it was at this time, such as 2026-11-21T09:30:00Z; empty: as it is now.",
            Scope.FORM,
            metavar="TIME",
            check=check_time,
            group=Group.BIGQUERY,
        ),
    ] = ""
    location: Annotated[
        str,
        Option(
            "Where BigQuery runs a query, such as EU; empty: the location of the table.",
            Scope.FORM,
            check=check_location,
            group=Group.BIGQUERY,
        ),
    ] = ""
    maximum_bytes_billed: Annotated[
        int,
        Option(
            "Refuse a BigQuery query that bills more than this, such as 10 GB or 2 TiB; 0: no limit.",
            Scope.FORM,
            minimum=0,
            maximum=2**63 - 1,
            metavar="BYTES",
            notation=Notation(quantities.parse_bytes, quantities.format_bytes),
            group=Group.BIGQUERY,
        ),
    ] = MAXIMUM_BYTES_BILLED
    rows: Annotated[
        int,
        Option(
            "Size of a proportional sample of the rows; 0: all rows.",
            Scope.FORM,
            minimum=0,
            maximum=2**63 - 1,
            group=Group.RUN,
        ),
    ] = 0
    first_label: Annotated[
        FirstLabel,
        Option(
            "Number from which the source counts its labels; auto: find out from the labels that occur.",
            Scope.FORM,
            group=Group.DATA,
            former="labels",
        ),
    ] = FirstLabel.AUTO
    on_missing: Annotated[
        OnMissing, Option("What to do with a row that has a missing value.", Scope.FORM, group=Group.DATA)
    ] = OnMissing.FAIL
    max_dropped: Annotated[
        float,
        Option(
            "Largest share of the rows, 0 to 1, that may be dropped for a missing value.",
            Scope.FORM,
            minimum=0,
            maximum=1,
            metavar="SHARE",
            group=Group.DATA,
        ),
    ] = 0.5
    duplicates: Annotated[
        Duplicates, Option("What to do with a row that is equal to an earlier one.", Scope.FORM, group=Group.DATA)
    ] = Duplicates.KEEP
    inside_bigquery: Annotated[
        str,
        Option(
            "Let BigQuery make the datasets below gs://BUCKET/PREFIX, and fetch what is needed here from there.",
            metavar="URI",
        ),
    ] = ""
    output: Annotated[
        str,
        Option(
            "Publish the datasets too: cover_type=LABEL/part-0.parquet below gs://BUCKET/PREFIX, s3://BUCKET/PREFIX "
            "or a folder.",
            metavar="URI",
        ),
    ] = ""
