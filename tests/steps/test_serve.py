from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps import serve
from steps.core import runtime
from steps.core.errors import BadConfigurationError, UnavailableError
from steps.registry import aliases
from tests.steps.serving.conftest import TOKEN

if TYPE_CHECKING:
    from pathlib import Path


def test_models_or_a_registry_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], [f"--models={tmp_path}", f"--registry={tmp_path}"]):
        assert runtime.run(serve.main, words) == 2
        assert "one of them is needed, in --models and --registry" in capsys.readouterr().err


def test_models_that_are_missing_or_damaged_end_with_one_line(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runtime.run(serve.main, [f"--models={tmp_path / 'no'}", "--port=0"]) == 66
    (models / "krummholz" / "model.ubj").write_bytes(b"x")
    assert runtime.run(serve.main, [f"--models={models}", "--port=0"]) == 65
    assert runtime.run(serve.main, [f"--registry={tmp_path}", "--port=0"]) == 66
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "Traceback" in line] == []
    assert len([line for line in lines if line.startswith("error: ")]) == 3


def test_a_missing_library_is_one_line_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_LIBRARIES", ("json", "no_such_library"))
    with pytest.raises(UnavailableError, match=r"needs no_such_library.*-r requirements/serve\.txt"):
        serve.require_libraries()


def test_the_token_is_read_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    monkeypatch.delenv(serve.TOKEN, raising=False)
    assert serve.read_token("") == ""
    assert serve.read_token(str(path)) == TOKEN
    monkeypatch.setenv(serve.TOKEN, TOKEN)
    assert serve.read_token("") == serve.read_token(str(path)) == TOKEN
    monkeypatch.setenv(serve.TOKEN, "another-token-of-the-tests")
    for text in ("another", "", f"{TOKEN}\n"):
        path.write_text(text)
        with pytest.raises(BadConfigurationError) as caught:
            serve.read_token(str(path))
        assert TOKEN not in str(caught.value)
    monkeypatch.setenv(serve.TOKEN, "short")
    with pytest.raises(BadConfigurationError, match="too short"):
        serve.read_token("")


def test_a_version_is_served_and_its_alias_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from steps.serving import app, server, versions

    loaded: list[str] = []
    reloaders: list[Any] = []
    monkeypatch.setattr(aliases, "resolve", lambda _, name: {"champion": "v1"}.get(name, name))

    def load(_: object, version: str) -> FakeModel:
        loaded.append(version)
        return FakeModel()

    monkeypatch.setattr(versions, "load_version", load)
    monkeypatch.setattr(versions, "Holder", lambda model, _: FakeHolder(model))
    monkeypatch.setattr(app, "make_app", lambda *_, reloader, **__: reloaders.append(reloader))
    monkeypatch.setattr(server, "serve", lambda *_: None)
    for words in ([], ["--version=v1"], ["--poll=0"]):
        assert runtime.run(serve.main, [f"--registry={tmp_path}", "--port=0", *words]) == 0
    assert loaded == ["v1"] * 3
    assert [reloader is not None for reloader in reloaders] == [True, False, False]


class FakeModel:
    seconds = 0.0

    def facts(self) -> dict[str, str]:
        return {}


class FakeHolder:
    def __init__(self, model: FakeModel) -> None:
        self.model = model
