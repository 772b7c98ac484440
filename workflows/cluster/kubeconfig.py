"""Reading a kubeconfig, or a pod's service account, with the official client, whose messages may show secrets."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from steps.core.errors import BadConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What the client lets through where a file has other contents than it expects.
_UNEXPECTED = (yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError)


def load(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - the kubernetes package has no types
    """Return the official client's configuration.

    Raises:
        BadConfigurationError: there is none, or it cannot be read.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    places = environment.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    with _explained(f"KUBECONFIG {places}"):
        if (
            not any(Path(place).exists() for place in places.split(os.pathsep))
            and "KUBERNETES_SERVICE_HOST" in os.environ
        ):
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(config_file=places, client_configuration=configuration)
    return configuration


def token(configuration: Any) -> str:  # noqa: ANN401
    """Return the bearer token of the moment, which the client renews where it has expired; empty for none."""
    with _explained("the login of the kubeconfig"):
        found = configuration.auth_settings().get("BearerToken") or {}
        return found.get("value") or ""


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what the client raises or logs in the block into an error of ours without the values of the file."""
    from kubernetes.config.config_exception import ConfigException

    said = _Messages()
    logging.getLogger().addHandler(said)
    try:
        yield
    except ConfigException as error:
        raise _no_way(_without_values(str(error)), where) from None
    except _UNEXPECTED as error:
        raise _no_way(f"it cannot be read ({type(error).__name__})", where) from None
    finally:
        logging.getLogger().removeHandler(said)
    if said.errors:
        raise _no_way(said.errors[0], where)


class _Messages(logging.Handler):
    """Keeps the errors that the client logs where a login plugin fails, instead of having them printed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(_without_values(record.getMessage()))


def _without_values(message: str) -> str:
    """Return a message of the client's up to the entry of the file that it quotes, which may hold a token or a key."""
    return " ".join(message.partition("{")[0].split())


def _no_way(what: str, where: str) -> BadConfigurationError:
    return BadConfigurationError(f"no way to a cluster: {what}", where=where, fix="set KUBECONFIG, or ARGO_SERVER")
