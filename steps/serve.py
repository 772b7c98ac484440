"""Answer requests over HTTP with the models of a run, or with a version in a registry."""

from __future__ import annotations

import functools
import hmac
import importlib.util
import ipaddress
import os
import socket as sockets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steps.core import runtime
from steps.core.errors import BadConfigurationError, PipelineError, UnavailableError, UsageError
from steps.options.predict import RegistryOptions
from steps.options.serve import ServeOptions
from steps.prediction import startup

if TYPE_CHECKING:
    from steps.serving.gateway import JsonLog
    from steps.serving.versions import Fetch

TOKEN = "COVERTYPE_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_LIBRARIES = ("fastapi", "uvicorn", "uvloop", "httptools", "msgspec", "prometheus_client")
_EXPLAINS = "xgboost"
_SHORTEST_TOKEN = 16


def main(
    *,
    options: ServeOptions,
    registered: RegistryOptions,
    models: Annotated[Path | None, typer.Option(help="Folder of model bundles, such as `models` of a run.")] = None,
    require_signature: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Public key (PEM) that must have signed each version.")
    ] = None,
    socket: Annotated[int | None, typer.Option(help="Descriptor of an open socket.", hidden=True)] = None,
) -> int:
    """Answer requests for the models of a run or of a registry."""
    require_libraries(explain=options.explain)
    if (models is None) == (not registered.registry):
        raise UsageError("one of them is needed", where="--models and --registry", fix="give one of them")
    if models is not None and require_signature is not None:
        what = "only versions of a registry are signed"
        raise UsageError(what, where="--require-signature", fix="give --registry, or leave it out")
    from steps.serving import server
    from steps.serving.gateway import JsonLog

    token, log = read_token(options.token_file), JsonLog()
    with server.bind(options.host, options.port) if socket is None else sockets.socket(fileno=socket) as opened:
        if socket is None:
            _warn_of_open_port(opened, token, log)
            if options.workers > 1:
                return server.supervise(sys.argv[1:], opened, options, log)
        try:
            _work(options, registered, models, require_signature, opened, token, log)
        except (runtime.TerminatedError, KeyboardInterrupt) as signal:
            raise ended_early(signal) from None
    return 0


def ended_early(signal: BaseException) -> PipelineError:
    """Return the error for a signal that ended the server while it was loading the models."""
    return runtime.SignalError("a signal ended the server before it was ready", signal, fix="start it again")


def _warn_of_open_port(opened: sockets.socket, token: str, log: JsonLog) -> None:
    """Log a warning if other machines can ask without a token."""
    host = opened.getsockname()[0]
    if not token and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        reason = "every machine that reaches this address can ask: give --token-file, or listen on 127.0.0.1"
        log("no token", level="warning", host=host, message=reason)


def _work(  # noqa: PLR0913, PLR0917 - what the command line gives
    options: ServeOptions,
    registered: RegistryOptions,
    models: Path | None,
    key: Path | None,
    opened: sockets.socket,
    token: str,
    log: JsonLog,
) -> None:
    """Load the models, and answer until a signal."""
    from steps.io import open_destination
    from steps.registry import aliases
    from steps.serving import server, versions
    from steps.serving.app import make_app
    from steps.serving.monitoring.metrics import Metrics

    metrics, reloader = Metrics(), None
    explained = options.explain_rows if options.explain else 0
    if models is not None:
        folder = models.resolve()
        name = folder.parent.name if folder.name == "models" else folder.name
        holder = versions.Holder(versions.load_folder(folder, name, explained), metrics)
    else:
        registry = open_destination(registered.registry)
        version = aliases.resolve(registry, registered.version)
        load = functools.partial(versions.load_version, fetch=_make_fetch(key), explained_rows=explained)
        holder = versions.Holder(load(registry, version), metrics)
        if options.poll and version != registered.version:
            accept = options.accept_columns
            alias = registered.version
            reloader = versions.Reloader(holder, registry, alias, options.poll, log, load, accept_columns=accept)
    app = make_app(holder, options, metrics=metrics, token=token, reloader=reloader, log=log)
    host, port = opened.getsockname()[:2]
    model = holder.model
    log("listening", host=host, port=port, seconds=round(model.seconds, 3), drift=model.drift, **model.facts())
    server.serve(server.make_server(app, options, log), opened, log)


def _make_fetch(key: Path | None) -> Fetch | None:
    """Return what fetches a version and verifies its signature before any of its files is read; None without a key."""
    if key is None:
        return None
    from steps.provenance import signing

    signer = signing.Signer(key.absolute())
    return lambda registry, version, folder: signing.require_signature(registry, version, signer, folder)


def require_libraries(*, explain: bool = False) -> None:
    """Raise UnavailableError if a library of the server is not installed.

    Args:
        explain: Whether scores shall be explained, which needs XGBoost.
    """
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        fix = "python -m pip install --no-deps --require-hashes -r requirements/serve.txt"
        raise UnavailableError(f"the server needs {', '.join(missing)}", where=sys.executable, fix=fix)
    if explain and importlib.util.find_spec(_EXPLAINS) is None:
        fix = "install requirements/run.txt, or leave out --explain"
        raise UnavailableError(f"--explain needs {_EXPLAINS}", where=sys.executable, fix=fix)


def read_token(path: str) -> str:
    """Return the token that clients must send, from a file or from the environment; empty for none.

    Raises:
        BadConfigurationError: The token is short, or there are two.
    """
    given = os.environ.get(TOKEN, "").strip()
    if path:
        stored = Path(path).read_text(encoding="utf-8").strip()
        if given and not hmac.compare_digest(given.encode(), stored.encode()):
            raise BadConfigurationError("it has another token", where=f"--token-file and {TOKEN}", fix="give one")
        given = stored
        if not given:
            raise BadConfigurationError("the file is empty", where=f"--token-file {path}", fix="write a token to it")
    if given and (len(given) < _SHORTEST_TOKEN or not given.isascii() or not given.isprintable()):
        fix = f"use at least {_SHORTEST_TOKEN} printable ASCII characters"
        raise BadConfigurationError("the token is too short or has other characters", where=path or TOKEN, fix=fix)
    return given


if __name__ == "__main__":
    startup.keep_pandas_out_of_arrow()
    runtime.run_and_exit(main)
