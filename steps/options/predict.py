"""Options of ``predict``: what is read, which models score it, and where the scores go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from steps.core import uris
from steps.core.options import Option
from steps.options.prepare import FirstLabel, check_source
from steps.options.shared import LARGEST


def check_output(text: str) -> str:
    """Return the address of a file for scores with its scheme in lower case; UsageError where it is none."""
    return uris.parse(text, uris.DESTINATIONS, what="destination", where="").text


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of ``predict``."""

    input: Annotated[
        str,
        Option(
            "Table to score: a path, file://, gs://BUCKET/OBJECT or s3://BUCKET/OBJECT (* matches several), "
            "bq://PROJECT.DATASET.TABLE or builtin:; CSV, CSV.gz or parquet, with or without labels.",
            metavar="URI",
            check=check_source,
        ),
    ]
    output: Annotated[
        str,
        Option("File for the scores: .parquet or .csv; a path, gs:// or s3://.", metavar="URI", check=check_output),
    ]
    keep: Annotated[str, Option("Columns of the input to copy to the output, separated by commas.")] = ""
    first_label: Annotated[
        FirstLabel, Option("Number from which the input counts its labels, if it has any; auto: find out.")
    ] = FirstLabel.AUTO
    rejects: Annotated[
        str, Option("CSV file for the rows that cannot be scored; default: the output's name with .rejects.csv.")
    ] = ""
    max_rejects: Annotated[
        int, Option("Largest number of rows that may be rejected; with more, nothing is published.", minimum=0)
    ] = 0
    overwrite: Annotated[bool, Option("Replace an output that is there already.")] = False
    threads: Annotated[int, Option("Threads; 0: one for each core.", minimum=0, maximum=LARGEST)] = 0
