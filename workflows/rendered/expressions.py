"""Argo's ``{{...}}`` variables and its ``depends`` logic, as far as the pipeline uses them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"{{\s*([^{}]*?)\s*}}")
_TOKEN = re.compile(r"\s*(\(|\)|&&|\|\||!|[A-Za-z0-9_-]+(?:\.[A-Za-z]+)?)")
RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
# A bare task name in `depends`; nothing is daemoned here.
_DONE = ("Succeeded", "Skipped")


def variables(text: str) -> list[str]:
    """Return the names of all ``{{...}}`` variables in a text, in order."""
    return _VARIABLE.findall(text)


def substitute(text: str, scope: Mapping[str, str]) -> str:
    """Replace all variables of a text; BadConfigurationError names one that is not in ``scope``."""

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in scope:
            raise BadConfigurationError(f"variable {match[0]} does not resolve", where=repr(text))
        return scope[match[1]]

    return _VARIABLE.sub(look_up, text)


def tasks_in(depends: str) -> set[str]:
    """Return the names of the tasks a ``depends`` expression is about."""
    return {token.partition(".")[0] for token in _tokens(depends) if token not in {"(", ")", "&&", "||", "!"}}


def holds(depends: str, results: Mapping[str, str]) -> bool:
    """Evaluate a ``depends`` expression over the results of finished tasks (each one of ``RESULTS``); empty is true."""
    return not depends or _parsed(depends)(results)


def _tokens(depends: str) -> list[str]:
    tokens, at = [], 0
    while at < len(depends.rstrip()):
        match = _TOKEN.match(depends, at)
        if not match:
            raise BadConfigurationError(f"cannot read {depends[at:]!r}", where=f"depends {depends!r}")
        tokens.append(match[1])
        at = match.end()
    return tokens


@lru_cache(maxsize=256)
def _parsed(depends: str) -> Callable[[Mapping[str, str]], bool]:
    """Parse by recursive descent: or binds weakest, then and, then not."""
    tokens = _tokens(depends)

    def either() -> Callable[[Mapping[str, str]], bool]:
        parts = [both()]
        while tokens[:1] == ["||"]:
            tokens.pop(0)
            parts.append(both())
        return lambda results: any(part(results) for part in parts)

    def both() -> Callable[[Mapping[str, str]], bool]:
        parts = [single()]
        while tokens[:1] == ["&&"]:
            tokens.pop(0)
            parts.append(single())
        return lambda results: all(part(results) for part in parts)

    def single() -> Callable[[Mapping[str, str]], bool]:
        token = tokens.pop(0) if tokens else ""
        if token == "!":  # noqa: S105 - no password
            inner = single()
            return lambda results: not inner(results)
        if token == "(":  # noqa: S105
            inner = either()
            if tokens[:1] != [")"]:
                raise BadConfigurationError("a parenthesis is not closed", where=f"depends {depends!r}")
            tokens.pop(0)
            return inner
        return _operand(token, depends)

    expression = either()
    if tokens:
        raise BadConfigurationError(f"unexpected {tokens[0]!r}", where=f"depends {depends!r}")
    return expression


def _operand(token: str, depends: str) -> Callable[[Mapping[str, str]], bool]:
    name, _, result = token.partition(".")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or (result and result not in RESULTS):
        raise BadConfigurationError(f"cannot read {token!r}", where=f"depends {depends!r}")
    wanted = (result,) if result else _DONE
    return lambda results: results[name] in wanted
