"""Argo's ``{{...}}`` variables, ``depends`` and ``when`` expressions, as far as the pipeline uses them.

Source: https://argo-workflows.readthedocs.io/en/latest/variables/ and .../enhanced-depends-logic/.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"{{\s*([^{}]*?)\s*}}")
_TOKEN = re.compile(r"\s*(\(|\)|&&|\|\||!|[A-Za-z0-9_-]+(?:\.[A-Za-z]+)?)")
_COMPARISON = re.compile(r"\s*(?P<left>[\w.-]+)\s*(?P<operator>==|!=)\s*(?P<right>[\w.-]+)\s*")
# Results that a ``depends`` expression can ask for.
RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
# Results that a bare task name stands for. Argo also accepts Daemoned, which no task of the pipeline is.
_DONE = ("Succeeded", "Skipped")


def variable_names(text: str) -> list[str]:
    """Return the names of all ``{{...}}`` variables in a text, in order."""
    return _VARIABLE.findall(text)


def substitute_variables(text: str, scope: Mapping[str, str]) -> str:
    """Replace all variables of a text by their values.

    Args:
        text: text with ``{{name}}`` variables.
        scope: values by name of the variable.

    Raises:
        BadConfigurationError: a variable is not in ``scope``.
    """

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in scope:
            raise BadConfigurationError(f"variable {match[0]} does not resolve", where=repr(text))
        return scope[match[1]]

    return _VARIABLE.sub(look_up, text)


def task_names(depends: str) -> set[str]:
    """Return the names of the tasks in a ``depends`` expression."""
    return {token.partition(".")[0] for token in _tokens(depends) if token not in {"(", ")", "&&", "||", "!"}}


def evaluate_depends(depends: str, results: Mapping[str, str]) -> bool:
    """Return the value of a ``depends`` expression; an empty one is true.

    Args:
        depends: the expression.
        results: result of each task in it, one of ``RESULTS``.
    """
    return not depends or _parse_depends(depends)(results)


def evaluate_when(when: str) -> bool:
    """Return the value of a task's ``when`` expression without variables; an empty one is true.

    Raises:
        BadConfigurationError: it does not compare two values with ``==`` or ``!=``.
    """
    if not when:
        return True
    match = _COMPARISON.fullmatch(when)
    if not match:
        raise BadConfigurationError(f"cannot read {when!r}", where="when", fix="compare two values by == or !=")
    return (match["left"] == match["right"]) is (match["operator"] == "==")


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
def _parse_depends(depends: str) -> Callable[[Mapping[str, str]], bool]:
    """Parse by recursive descent. Precedence from low to high: or, and, not."""
    tokens = _tokens(depends)

    def parse_or() -> Callable[[Mapping[str, str]], bool]:
        parts = [parse_and()]
        while tokens[:1] == ["||"]:
            tokens.pop(0)
            parts.append(parse_and())
        return lambda results: any(part(results) for part in parts)

    def parse_and() -> Callable[[Mapping[str, str]], bool]:
        parts = [parse_not()]
        while tokens[:1] == ["&&"]:
            tokens.pop(0)
            parts.append(parse_not())
        return lambda results: all(part(results) for part in parts)

    def parse_not() -> Callable[[Mapping[str, str]], bool]:
        token = tokens.pop(0) if tokens else ""
        if token == "!":  # noqa: S105 - no password
            inner = parse_not()
            return lambda results: not inner(results)
        if token == "(":  # noqa: S105
            inner = parse_or()
            if tokens[:1] != [")"]:
                raise BadConfigurationError("a parenthesis is not closed", where=f"depends {depends!r}")
            tokens.pop(0)
            return inner
        return _operand(token, depends)

    expression = parse_or()
    if tokens:
        raise BadConfigurationError(f"unexpected {tokens[0]!r}", where=f"depends {depends!r}")
    return expression


def _operand(token: str, depends: str) -> Callable[[Mapping[str, str]], bool]:
    name, _, result = token.partition(".")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or (result and result not in RESULTS):
        raise BadConfigurationError(f"cannot read {token!r}", where=f"depends {depends!r}")
    wanted = (result,) if result else _DONE
    return lambda results: results[name] in wanted
