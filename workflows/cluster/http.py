"""HTTP requests with a timeout, and errors of ours for every failure; no message shows a credential."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import requests
import urllib3.exceptions

from steps.core import storage
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

# Seconds to connect, and to wait for the next bytes of a response.
TIMEOUT = (5.0, 30.0)
# As the Kubernetes API words a missing permission; argo-server passes it on.
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# As argo-server itself words one.
_NOT_ALLOWED = re.compile(r'not allowed to (?P<verb>\w+) (?P<resource>\w+) in namespace "(?P<namespace>[^"]*)"')
# Printable ASCII; a token may have its type in front.
_CREDENTIAL = re.compile(r"[!-~]*( [!-~]+)*")
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)
_SERVER_ERRORS = 500
_TOO_MANY = 429


class AlreadyExistsError(UsageError):
    """An object of this name already exists."""


class Session(requests.Session):
    """A session with one server.

    Args:
        server: address of the server, as error messages show it.
        login: how to log in, for where the server rejects the credentials.
    """

    def __init__(self, server: str, *, login: str) -> None:
        super().__init__()
        self.server, self._login = server, login
        self.timeout: tuple[float, float | None] = TIMEOUT
        self.secrets: set[str] = set()
        self.auth = _unchanged  # else requests lets ~/.netrc replace the Authorization header

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the credentials where a redirect leads to another host; requests would ask ~/.netrc for others."""
        requested, redirected = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(requested, redirected):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Send a request and return its response; raise one of our errors unless its status is below 400."""
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        if kwargs.get("verify") is None:
            kwargs["verify"] = self.verify  # given with the request, it wins over REQUESTS_CA_BUNDLE
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise unreachable(error, self.server) from None
        if not response.ok:
            raise error_of_status(response.status_code, self.redact(response.text), self.server, self._login)
        return response

    def redact(self, text: str) -> str:
        """Return a text from the server without secrets."""
        return redact(text, self.secrets)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def credential(text: str, where: str) -> str:
    """Return a token or key without surrounding white space, such as the line break at the end of a file.

    Raises:
        BadConfigurationError: it holds characters that no header can carry; the message does not show it.
    """
    word = text.strip()
    if not _CREDENTIAL.fullmatch(word):
        what = "the secret has line breaks or other characters that no header can carry"
        raise BadConfigurationError(what, where=where, fix="store it again, as one line of printable ASCII characters")
    return word


def check_address(address: str, where: str) -> str:
    """Return the address of a server.

    Raises:
        BadConfigurationError: it may hold credentials; the message does not show it.
    """
    if has_user(address):
        what = "the address holds a user name or a password"
        raise BadConfigurationError(what, where=where, fix="write the address alone, and set credentials separately")
    if {"?", "#"} & set(address):  # a token may be behind it
        raise BadConfigurationError("the address holds a query ('?') or a fragment ('#')", where=where, fix="remove it")
    return address


def unreachable(error: Exception, server: str) -> PipelineError:
    """Return the error for a server that sent no response, from one of requests' or of urllib3's."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    if isinstance(cause, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        return UnavailableError(
            f"TLS failed: {_reason(cause)}",
            where=server,
            fix="check the address; ARGO_SECURE=false is for a server without TLS, "
            "ARGO_INSECURE_SKIP_VERIFY=true for one with a self-signed certificate",
        )
    timeout = isinstance(cause, (requests.Timeout, urllib3.exceptions.TimeoutError))
    if timeout and not isinstance(cause, urllib3.exceptions.NewConnectionError):  # which is a subclass
        return UnavailableError("no answer in time", where=server, fix="check the address and the network")
    if isinstance(cause, requests.exceptions.InvalidHeader):  # its text shows the header
        return BadConfigurationError("a header cannot be sent", where=server, fix="check the token or key")
    if isinstance(cause, _NO_ADDRESS):
        return BadConfigurationError("not an address", where=server, fix="write host:port")
    return UnavailableError(_reason(cause), where=server, fix="check that it runs and that the address is correct")


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
    """Return the message of an error response: the `message` or `error` of a JSON object, or the text itself."""
    try:
        document = storage.parse_json(text)
    except ValueError:
        return " ".join(text.split())[:500]
    found: Mapping[str, Any] = document if isinstance(document, dict) else {}
    return str(found.get("message") or found.get("error") or text)[:2000]


def error_of_status(status: int, text: str, server: str, login: str) -> PipelineError:
    """Return the error for an HTTP status of 400 or above.

    Args:
        status: HTTP status.
        text: body of the response, without secrets.
        server: address of the server.
        login: how to log in.
    """
    message = message_of(text)
    if status == requests.codes.unauthorized:
        return DeniedError(f"the server rejects the credentials ({message})", where=server, fix=login)
    if status == requests.codes.forbidden:
        return denied(message, server)
    if status == requests.codes.not_found:
        return _missing(message, server)
    if status == requests.codes.conflict and "already exists" in message:
        found = re.search(r'"([^"]*)" already exists', message)
        what = f"{found[1]!r} already exists" if found else message
        return AlreadyExistsError(what, where=server, fix="choose another name by --name")
    if status >= _SERVER_ERRORS or status in {_TOO_MANY, requests.codes.conflict}:
        return TransientError(f"the server failed ({status}: {message})", where=server, fix="try again")
    return BadConfigurationError(f"the server rejects the request ({status}: {message})", where=server)


def denied(message: str, server: str) -> DeniedError:
    """Return the error that names the missing permission: verb, resource, namespace."""
    found = _FORBIDDEN.search(message) or _NOT_ALLOWED.search(message)
    if not found:
        return DeniedError(message, where=server, fix="ask an administrator for the permission")
    parts = {"user": "this account", "group": "argoproj.io", "namespace": None} | found.groupdict()
    resource = ".".join(filter(None, (parts["resource"], parts["group"])))
    inside, flag = (
        (f" in namespace {parts['namespace']}", f" -n {parts['namespace']}") if parts["namespace"] else ("", "")
    )
    check = f"kubectl auth can-i {parts['verb']} {resource}{flag}"
    return DeniedError(
        f"{parts['user']} may not {parts['verb']} {resource}{inside}",
        where=server,
        fix=f"ask an administrator for this permission; `{check}` shows whether it is granted",
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
