"""The verbs ``cache ls`` and ``cache prune``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import JsonFlag, RunsOrOutput, examples, finite

if TYPE_CHECKING:
    from workflows.local.cache import Cache

app = typer.Typer(no_args_is_help=True, help="List or prune the cached results of earlier runs on this machine.")


def _open_cache(runs: Path | None) -> "Cache":
    from workflows.local.cache import Cache
    from workflows.runs.results import DEFAULT_FOLDER
    from workflows.runs.run_here import CACHE

    return Cache((runs or DEFAULT_FOLDER) / CACHE)


@app.command(epilog=examples("cache ls"))
def ls(runs: RunsOrOutput = None, *, as_json: JsonFlag = False) -> int:
    """List the number of results of each step, their size, and the time of the last use."""
    from workflows.local import upkeep
    from workflows.terminal.display import make_console
    from workflows.terminal.result_tables import cache_table

    summaries = upkeep.summarise_cache(_open_cache(runs))
    if as_json:
        print(json.dumps([asdict(summary) for summary in summaries]))
    else:
        make_console().print(cache_table(summaries) if summaries else "the cache is empty")
    return 0


@app.command(epilog=examples("cache prune --older-than 7 --dry-run"))
def prune(
    runs: RunsOrOutput = None,
    *,
    older_than: Annotated[
        float, typer.Option(min=0, metavar="DAYS", callback=finite, help="Days without use; 0 removes all.")
    ] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Remove unused results. Files that the folder of a run shares remain there, and keep their space on the disk."""
    from workflows.local import upkeep
    from workflows.terminal.result_tables import format_megabytes

    pruned = upkeep.prune_cache(_open_cache(runs), older_than_days=older_than, dry_run=dry_run)
    if as_json:
        print(json.dumps(asdict(pruned)))
    else:
        verb = "would remove" if dry_run else "removed"
        print(f"{verb} {pruned.results} results and {pruned.objects} files of {format_megabytes(pruned.bytes)}")
    return 0
