"""HTTP as all of this package does it: every request has a timeout, and every failure is one of our errors."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import requests

from steps.core.errors import (
    BadConfigurationError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
    UsageError,
)
from steps.core.redaction import has_user, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

# Seconds to connect, and to wait for the next bytes of an answer.
TIMEOUT = (5.0, 30.0)
# As the Kubernetes API words a missing right; argo-server passes it on.
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# As argo-server itself words one.
_NOT_ALLOWED = re.compile(r'not allowed to (?P<verb>\w+) (?P<resource>\w+) in namespace "(?P<namespace>[^"]*)"')
# Of an S3 store, whose answers also repeat the request and its access key.
_XML_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
# Printable ASCII; a token may have its kind in front.
_CREDENTIAL = re.compile(r"[!-~]*( [!-~]+)*")
_SERVER_ERRORS = 500
_TOO_MANY = 429


class AlreadyExistsError(UsageError):
    """Something of this name is there."""


class Session(requests.Session):
    """A session with one server.

    Args:
        server: its address, as error lines show it.
        login: what to do where the server does not know the caller.
    """

    def __init__(self, server: str, *, login: str) -> None:
        super().__init__()
        self.server, self._login = server, login
        self.timeout: tuple[float, float | None] = TIMEOUT
        self.secrets: set[str] = set()
        self.auth = _as_it_is  # else requests lets ~/.netrc replace the Authorization header

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the credentials where a redirect leads to another host; requests would ask ~/.netrc for others."""
        asked, redirected = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(asked, redirected):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Send a request; return its answer if it is a good one, raise one of our errors otherwise."""
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        if kwargs.get("verify") is None:
            kwargs["verify"] = self.verify  # given with the request, it wins over REQUESTS_CA_BUNDLE
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise unreachable(error, self.server) from None
        if not response.ok:
            raise from_answer(response.status_code, self.redact(response.text), self.server, self._login)
        return response

    def redact(self, text: str) -> str:
        """Return a text of the server's, or of a tool that knows its secrets, without them."""
        return redact(text, self.secrets)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def credential(text: str, where: str) -> str:
    """Return a token or key as a header can carry it: without white space around it, as files end with.

    Raises:
        BadConfigurationError: other characters are in it; the message does not show it.
    """
    word = text.strip()
    if not _CREDENTIAL.fullmatch(word):
        what = "the secret has line breaks or other characters that no header can carry"
        raise BadConfigurationError(what, where=where, fix="set it again, as one line of printable ASCII characters")
    return word


def check_address(address: str, where: str) -> str:
    """Return an address of a server; BadConfigurationError, which does not show it, where it may hold credentials."""
    if has_user(address):
        what = "the address holds a user name or a password"
        raise BadConfigurationError(what, where=where, fix="write the address alone: credentials have their own place")
    if {"?", "#"} & set(address):  # a token may be behind it
        raise BadConfigurationError(
            "the address holds a query ('?') or a fragment ('#')", where=where, fix="leave it out"
        )
    return address


def unreachable(error: Exception, server: str) -> PipelineError:
    """Return the error for a server that gave no answer."""
    if isinstance(error, requests.exceptions.SSLError):
        return UnavailableError(
            f"TLS failed: {_reason(error)}",
            where=server,
            fix="check the address; ARGO_SECURE=false is for a server without TLS, "
            "ARGO_INSECURE_SKIP_VERIFY=true for one whose certificate nobody signed",
        )
    if isinstance(error, requests.Timeout):
        return UnavailableError("no answer in time", where=server, fix="check the address and the network")
    if isinstance(error, requests.exceptions.InvalidHeader):  # its text shows the header
        return BadConfigurationError("a header cannot be sent", where=server, fix="check the token or key")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return BadConfigurationError("not an address", where=server, fix="write host:port")
    return UnavailableError(_reason(error), where=server, fix="check that it runs and that the address is right")


def _reason(error: BaseException) -> str:
    """Return the innermost cause in a few words."""
    for name in ("reason", "__cause__", "__context__"):
        inner = getattr(error, name, None)
        if isinstance(inner, BaseException):
            return _reason(inner)
    for argument in error.args:
        if isinstance(argument, BaseException):
            return _reason(argument)
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = re.sub(r"\[[A-Z0-9_:. ]*\] |\(_ssl\.c:\d+\)", "", text)
    return (text.rpartition(": ")[2].strip() or type(error).__name__).lower()


def message_of(text: str) -> str:
    """Return what an answer says in words: the `message` of a JSON or XML answer, or the text itself."""
    try:
        document = json.loads(text)
    except ValueError:
        said = _XML_MESSAGE.search(text)
        return " ".join((said[1] if said else text).split())[:500]
    found: Mapping[str, Any] = document if isinstance(document, dict) else {}
    return str(found.get("message") or found.get("error") or text)[:2000]


def from_answer(status: int, text: str, server: str, login: str) -> PipelineError:
    """Return the error for an answer that is not a good one."""
    message = message_of(text)
    if status == requests.codes.unauthorized:
        return DeniedError(f"the server does not know who asks ({message})", where=server, fix=login)
    if status == requests.codes.forbidden:
        return denied(message, server)
    if status == requests.codes.not_found:
        return _missing(message, server)
    if status == requests.codes.conflict and "already exists" in message:
        found = re.search(r'"([^"]*)" already exists', message)
        what = f"there is a {found[1]!r} already" if found else message
        return AlreadyExistsError(what, where=server, fix="choose another name by --name")
    if status >= _SERVER_ERRORS or status in {_TOO_MANY, requests.codes.conflict}:
        return TransientError(f"the server failed ({status}: {message})", where=server, fix="try again")
    return BadConfigurationError(f"the server refuses this ({status}: {message})", where=server)


def denied(message: str, server: str) -> DeniedError:
    """Return the error that names the right that is missing: verb, resource, namespace."""
    found = _FORBIDDEN.search(message) or _NOT_ALLOWED.search(message)
    if not found:
        return DeniedError(message, where=server, fix="ask for the right")
    parts = {"user": "this account", "group": "argoproj.io", "namespace": None} | found.groupdict()
    resource = ".".join(filter(None, (parts["resource"], parts["group"])))
    inside, flag = (
        (f" in namespace {parts['namespace']}", f" -n {parts['namespace']}") if parts["namespace"] else ("", "")
    )
    return DeniedError(
        f"{parts['user']} may not {parts['verb']} {resource}{inside}",
        where=server,
        fix=f"ask for this right; `kubectl auth can-i {parts['verb']} {resource}{flag}` says when it is there",
    )


def _missing(message: str, server: str) -> PipelineError:
    if found := re.search(r'namespaces "([^"]*)" not found', message):
        return NoInputError(
            f"no such namespace {found[1]!r}", where=server, fix="choose another by --namespace, or create it"
        )
    if found := re.search(r'(\w+)\.argoproj\.io "([^"]*)" not found', message):
        return NoInputError(f"no such {found[1].removesuffix('s')} {found[2]!r}", where=server, fix="see `status`")
    if "page not found" in message or "could not find the requested resource" in message:
        return UnavailableError(
            "Argo Workflows does not answer here", where=server, fix="check the address, and that Argo is installed"
        )
    return NoInputError(message, where=server)
