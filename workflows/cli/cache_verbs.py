"""The verbs ``cache ls`` and ``cache prune``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import JsonFlag, Output, finite

if TYPE_CHECKING:
    from workflows.local.cache import Cache

app = typer.Typer(no_args_is_help=True, help="What earlier runs on this machine left for later ones.")


def _cache(output: Path | None) -> "Cache":
    from workflows.local.cache import Cache
    from workflows.runs.run_here import CACHE

    return Cache((output or Path("runs")) / CACHE)


@app.command()
def ls(output: Output = None, *, as_json: JsonFlag = False) -> int:
    """List how many results of each step there are, their size, and when one was last used."""
    from workflows.local import upkeep
    from workflows.terminal.display import cache_table, make_console

    found = upkeep.summarise_cache(_cache(output))
    if as_json:
        print(json.dumps([asdict(summary) for summary in found]))
    else:
        make_console().print(cache_table(found) if found else "the cache is empty")
    return 0


@app.command()
def prune(
    output: Output = None,
    *,
    older_than: Annotated[
        float, typer.Option(min=0, metavar="DAYS", callback=finite, help="Days not used; 0 removes all.")
    ] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Remove results not used for a while. Files that a run's folder holds too stay there, and keep their space."""
    from workflows.local import upkeep
    from workflows.terminal.display import megabytes

    pruned = upkeep.prune_cache(_cache(output), older_than_days=older_than, dry_run=dry_run)
    if as_json:
        print(json.dumps(asdict(pruned)))
    else:
        verb = "would remove" if dry_run else "removed"
        print(f"{verb} {pruned.results} results and {pruned.objects} files of {megabytes(pruned.bytes)}")
    return 0
