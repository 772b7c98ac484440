"""Options of ``serve``: where it listens, how much a client may ask for, and when it looks for a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Notation, Option
from steps.core.quantities import format_bytes, parse_bytes

_BYTES = Notation(parse_bytes, format_bytes)
_LARGEST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Options of ``serve``."""

    host: Annotated[str, Option("Address to listen on; 0.0.0.0: every address of this machine.")] = "127.0.0.1"
    port: Annotated[int, Option("Port to listen on.", minimum=0, maximum=_LARGEST_PORT)] = 8080
    workers: Annotated[int, Option("Processes that answer, each with the models and one thread.", minimum=1)] = 1
    max_rows: Annotated[int, Option("Largest number of rows of a request.", minimum=1)] = 10_000
    max_body: Annotated[int, Option("Largest body of a request.", minimum=1, metavar="BYTES", notation=_BYTES)] = (
        8 << 20
    )
    max_concurrent: Annotated[
        int, Option("Requests that a worker handles at once; others are answered with 429.", minimum=1)
    ] = 128
    max_connections: Annotated[
        int, Option("Connections that a worker holds at once; beyond them, idle ones are closed.", minimum=1)
    ] = 500
    timeout: Annotated[
        float,
        Option("Seconds for the headers of a request, for its body, and for the answer.", above=0, metavar="SECONDS"),
    ] = 10.0
    drain: Annotated[
        int, Option("Seconds that running requests get to finish when the server stops.", minimum=0, metavar="SECONDS")
    ] = 30
    poll: Annotated[
        float, Option("Seconds between two reads of the alias; 0: only at the start.", minimum=0, metavar="SECONDS")
    ] = 10.0
    accept_columns: Annotated[bool, Option("Follow the alias also to a version that needs other columns.")] = False
    explain: Annotated[bool, Option("Answer ?explain=true with the contributions of the features (XGBoost).")] = False
    explain_rows: Annotated[int, Option("Largest number of rows of a request to explain.", minimum=1)] = 10
    token_file: Annotated[
        str, Option("File with the token that clients must send; COVERTYPE_SERVE_TOKEN is read too.", metavar="PATH")
    ] = ""
    access_log: Annotated[bool, Option("Log a line of JSON for each request.")] = True
