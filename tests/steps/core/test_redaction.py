from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.redaction import MASK, has_user, redact

SECRET = "s3cr3t-t0ken-value"  # noqa: S105 - must not be shown


@pytest.mark.parametrize(
    "text",
    [
        f"cannot clone https://user:{SECRET}@host/repository.git",
        f"cannot clone https://user:{SECRET}/{SECRET}@host/repository.git",
        f"ssh://{SECRET}@host failed",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}==",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\\n{SECRET}",
        f'{{"refresh_token": "{SECRET}"}}',
        f"{{'private_key': '{SECRET}'}}",
        f"eyJhbGciOi{SECRET}.eyJpc3MiOi.abc",
        f"ya29.{SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "s3cr3t" not in redact(text)


@pytest.mark.parametrize(
    "text",
    ["image steps:1@sha256:0123456789", "gs://bucket/a@b", "an@address.example", "https://host/path", "basic set"],
)
def test_what_does_not_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(st.text(), st.text(), st.text(alphabet="abcdefghij0123456789", min_size=6))
def test_a_known_secret_is_masked_anywhere_in_a_text(before: str, after: str, secret: str) -> None:
    assert secret not in redact(f"{before} {secret} {after}", [secret]).replace(MASK, "")


def test_each_word_of_a_secret_is_masked_and_short_words_are_not() -> None:
    assert redact("a first-key, a second-key, an abc", ["first-key second-key", "abc"]) == "a ***, a ***, an abc"


def test_of_two_secrets_the_longer_one_is_masked_first() -> None:
    assert redact("token-1234", ["token-", "token-1234"]) == MASK


@pytest.mark.parametrize("variable", ["COVERTYPE_SERVE_TOKEN", "COVERTYPE_SIGNING_PASSWORD", "AWS_SECRET_ACCESS_KEY"])
def test_secrets_in_the_environment_are_masked(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "one-or-two")
    assert redact("refused: one-or-two") == "refused: ***"


def test_the_token_in_the_environment_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGO_TOKEN", "Bearer abcdefgh")
    assert redact("the Bearer of abcdefgh") == "the Bearer of ***"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://user:password@host", True),
        ("user@host", True),
        ("https://host/path@version", False),
        ("https://host", False),
        ("host:8080", False),
    ],
)
def test_addresses_with_a_user(address: str, expected: bool) -> None:  # noqa: FBT001
    assert has_user(address) is expected
