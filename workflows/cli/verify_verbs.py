"""The verbs ``verify``, ``sign`` and ``reproduce``, which prove where a version came from."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steps.core.errors import RUN_FAILED, BadDataError, NoInputError, UsageError
from workflows.cli.options import VERSIONS, JsonFlag, Runs, examples
from workflows.cli.registry_flag import Registry, open_registry, registry_or_runs

if TYPE_CHECKING:
    from steps.provenance.evidence import Evidence
    from steps.provenance.links import Link
    from steps.provenance.origin import CodeAtHand, Reread
    from steps.provenance.signing import Signer
    from steps.provenance.verification import Means
    from steps.registry.destinations import Destination

app = typer.Typer()

PASSWORD_VARIABLE = "COVERTYPE_SIGNING_PASSWORD"  # noqa: S105 - the name of a variable
_Version = Annotated[str, typer.Argument(help="Version or alias in --registry.")]
_Schema = Annotated[str, typer.Option(metavar="FILE", help="Schema file of another table (TOML).")]
_Identity = Annotated[str, typer.Option(help="Expected identity of a keyless signature, with --issuer.")]
_Issuer = Annotated[str, typer.Option(metavar="URL", help="OpenID Connect issuer of --identity.")]


@app.command(rich_help_panel=VERSIONS, epilog=examples("verify champion --registry ./registry"))
def verify(  # noqa: PLR0913 - one argument a flag
    name: Annotated[str, typer.Argument(help="Version or alias in --registry, or a run on this machine.")],
    *,
    registry: Registry = None,
    source: Annotated[str, typer.Option(metavar="URI", help="Read this source again, and compare.")] = "",
    schema: _Schema = "",
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Public key of the signer (PEM).")] = None,
    identity: _Identity = "",
    issuer: _Issuer = "",
    runs: Runs = None,
    as_json: JsonFlag = False,
) -> int:
    """Prove where a version came from, link by link, and name the first broken link (exit code 65)."""
    from steps.options.prepare import check_source
    from steps.provenance import links, verification
    from workflows.runs.results import DEFAULT_FOLDER
    from workflows.terminal.chain_tables import chain_table
    from workflows.terminal.display import make_console

    signer = _expected_signer(key, identity, issuer)
    means = _means(check_source(source) if source else "", schema, signer)
    if place := registry_or_runs(registry, runs, name):
        destination, version = _open_version(place, name)
        chain = verification.verify_version(destination, version, means)
    else:
        place = str(runs or DEFAULT_FOLDER)
        chain = _verify_run(name, Path(place), means)
    if as_json:
        print(json.dumps([link.to_dict() for link in chain]))
    else:
        make_console().print(chain_table(chain))
    if broken := links.first_broken(chain):
        raise _broken_error(broken, place, name)
    return 0


@app.command(rich_help_panel=VERSIONS, epilog=examples("sign candidate --registry ./registry --key key.pem"))
def sign(
    version: _Version,
    *,
    registry: Registry = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key of an elliptic curve (PEM).")] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"File with the key's password. (default: {PASSWORD_VARIABLE})")
    ] = None,
    keyless: Annotated[bool, typer.Option("--keyless", help="Sign as the OIDC identity of the environment.")] = False,
) -> int:
    """Sign a version, after verifying it; the signature is stored beside it and is never replaced."""
    from steps.provenance import links, signing, verification

    if (key is None) != keyless:
        raise UsageError("one of them is needed", where="--key and --keyless", fix="give one of them")
    password = _password(password_file)
    destination, found = _open_version(registry, version)
    if broken := links.first_broken(verification.verify_version(destination, found, _means("", "", None))):
        raise _broken_error(broken, destination.location, version)
    where = signing.sign_version(destination, found, signing.Signer(key), password)
    print(f"signed {found}: {where}")
    return 0


@app.command(rich_help_panel=VERSIONS, epilog=examples("reproduce champion --registry ./registry"))
def reproduce(
    version: _Version,
    *,
    registry: Registry = None,
    source: Annotated[str, typer.Option(metavar="URI", help="Source to read. (default: the recorded one)")] = "",
    schema: _Schema = "",
    as_json: JsonFlag = False,
) -> int:
    """Train a version's models again from its lineage; exit code 1 if the bytes of one differ."""
    from steps.core import quantities, runtime
    from steps.options.prepare import check_source
    from steps.provenance import evidence, reproduction
    from steps.registry import publishing
    from steps.registry.paths import version_path
    from workflows.runs import origins
    from workflows.terminal.chain_tables import reproduction_table
    from workflows.terminal.display import make_console

    destination, found = _open_version(registry, version)
    manifest = publishing.read_manifest(destination.below(version_path(found)))
    with tempfile.TemporaryDirectory(prefix="covertype-reproduce-") as temporary:
        files, made = Path(temporary) / "version", Path(temporary) / "made"
        known = evidence.collect_version(destination, found, manifest, files)
        for name, problem in known.problems.items():
            raise BadDataError(problem, where=f"{manifest.location}/{name}", fix="see `verify`")
        given = check_source(source) if source else ""
        origins.train_again(known, made, given, schema, quantities.available_cores())
        models = reproduction.compare_models(known, made)
        different = reproduction.differing_libraries(known, made)
    if as_json:
        print(json.dumps({"version": found, "models": [vars(each) for each in models], "environment": different}))
    else:
        make_console().print(reproduction_table(models))
    unequal = [each.slug for each in models if not each.equal]
    if unequal and different:
        runtime.log(f"this environment differs: {'; '.join(different)}")
    if unequal:
        runtime.log(f"error: {len(unequal)} of {len(models)} models differ, in {found}: {', '.join(unequal)}")
    return RUN_FAILED if unequal else 0


def _open_version(registry: str | None, name: str) -> "tuple[Destination, str]":
    """Return a registry, and the version that a version or an alias names."""
    from steps.registry import aliases
    from steps.registry.manifest import MANIFEST
    from steps.registry.paths import is_valid_name, version_path

    destination = open_registry(registry)
    if is_valid_name(name) and destination.read(f"{version_path(name)}/{MANIFEST}") is not None:
        return destination, name  # also where an alias is damaged
    version = aliases.resolve(destination, name)
    if destination.read(f"{version_path(version)}/{MANIFEST}") is None:
        what = f"the alias {name!r} names {version!r}, which is no version of this registry"
        raise NoInputError(what, where=destination.location, fix="move the alias to a version that exists")
    return destination, version


def _means(source: str, schema: str, signer: "Signer | None") -> "Means":
    from steps.provenance.origin import code_at_hand
    from steps.provenance.verification import Means
    from workflows.runs import origins

    def code(revision: str) -> "CodeAtHand":
        return code_at_hand(origins.code_of_revision(revision))

    def reread(evidence: "Evidence") -> "Reread | None":
        return origins.read_source_again(evidence, source, schema) if source else None

    return Means(code, reread, signer)


def _verify_run(name: str, folder: Path, means: "Means") -> "list[Link]":
    from steps.provenance import verification
    from workflows.runs import origins
    from workflows.runs.results import run_folder

    found = run_folder(folder, name)
    files = origins.run_files(found)
    return verification.verify_run(name, origins.run_revision(found), files, means)


def _expected_signer(key: Path | None, identity: str, issuer: str) -> "Signer | None":
    from steps.provenance.signing import Signer

    if bool(identity) != bool(issuer) or (key and identity):
        fix = "give --key, or --identity and --issuer"
        raise UsageError("a signature has a key or an identity", where="--key, --identity and --issuer", fix=fix)
    if key and not key.is_file():
        raise NoInputError("no such file", where=str(key), fix="check the path of the key")
    return Signer(key, identity, issuer) if key or identity else None


def _broken_error(link: "Link", registry: str, version: str) -> BadDataError:
    fix = "do not use this version, or restore what was published"
    if link.name == "signature":
        fix = "do not use this version, or check that this is the signer that you expect"
    return BadDataError(f"the link {link.name!r} is broken, {link.detail}", where=f"{version} of {registry}", fix=fix)


def _password(file: Path | None) -> str:
    """Return the password of a key, from a file or the environment; empty if there is none."""
    from steps.core import textfile

    return textfile.read(file, UsageError).rstrip("\r\n") if file else os.environ.get(PASSWORD_VARIABLE, "")
