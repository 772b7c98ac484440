from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from steps import serve
from steps.core import runtime
from steps.core.errors import BadConfigurationError, UnavailableError
from steps.provenance import signing
from steps.registry import aliases
from steps.registry.destinations import Folder
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

    def load(_: object, version: str, **__: object) -> FakeModel:
        loaded.append(version)
        return FakeModel()

    monkeypatch.setattr(versions, "load_version", load)
    monkeypatch.setattr(versions, "Holder", lambda model, _: FakeHolder(model))
    monkeypatch.setattr(app, "make_app", lambda *_, reloader, **__: reloaders.append(reloader))
    monkeypatch.setattr(server, "make_server", lambda *_: None)
    monkeypatch.setattr(server, "serve", lambda *_: None)
    for words in ([], ["--version=v1"], ["--poll=0"]):
        assert runtime.run(serve.main, [f"--registry={tmp_path}", "--port=0", *words]) == 0
    assert loaded == ["v1"] * 3
    assert [reloader is not None for reloader in reloaders] == [True, False, False]


def test_a_required_signature_is_verified_before_any_model_is_read(
    registered: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    from steps.serving import server, versions

    shutil.copytree(registered, tmp_path / "registry")
    read: list[Path] = []
    monkeypatch.setattr(server, "serve", lambda *_: None)
    monkeypatch.setattr(versions, "read_ensemble", read.append)
    words = [f"--registry={tmp_path / 'registry'}", "--port=0"]

    def refused(key: Path) -> tuple[int, str]:
        code = runtime.run(serve.main, [*words, f"--require-signature={key}"])
        assert read == []
        (line,) = capsys.readouterr().err.splitlines()
        return code, line

    code, line = refused(keys / "own.pub")
    assert (code, "version v1 is not signed" in line) == (66, True)
    signing.sign_version(Folder(tmp_path / "registry"), "v1", signing.Signer(keys / "own.pem"))
    code, line = refused(keys / "other.pub")
    assert (code, "signed with another key" in line) == (65, True)
    code, line = refused(tmp_path / "no.pub")
    assert (code, "no such file" in line) == (66, True)
    monkeypatch.undo()
    monkeypatch.setattr(server, "serve", lambda *_: None)
    assert runtime.run(serve.main, [*words, f"--require-signature={keys / 'own.pub'}"]) == 0


def test_models_of_a_folder_have_no_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runtime.run(serve.main, [f"--models={tmp_path}", "--require-signature=key.pub"]) == 2
    assert "only versions of a registry are signed, in --require-signature" in capsys.readouterr().err


def test_an_address_that_others_reach_is_a_warning_without_a_token(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from steps.serving import server

    monkeypatch.setattr(server, "serve", lambda *_: None)
    every = "0.0.0.0"  # noqa: S104 - the subject
    for host, token, warned in ((every, "", True), (every, TOKEN, False), ("127.0.0.1", "", False)):
        monkeypatch.setenv(serve.TOKEN, token)
        assert runtime.run(serve.main, [f"--models={models}", "--port=0", f"--host={host}"]) == 0
        assert ('"event":"no token","level":"warning"' in capsys.readouterr().err) == warned


class FakeModel:
    seconds, drift = 0.0, ""

    def facts(self) -> dict[str, str]:
        return {}


class FakeHolder:
    def __init__(self, model: FakeModel) -> None:
        self.model = model
