from __future__ import annotations

import json
import re
import sys
import zipfile
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
import xgboost

from steps import evaluate, train
from steps.bundles import stored
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.models import bundle
from steps.models.features import FeatureTransformer
from tests.support import SCHEMA, Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def fitted() -> FeatureTransformer:
    transformer = FeatureTransformer(["a"], {"c": ["x", "y"]}, [{"name": "d", "operation": "sum", "of": ["a", "a"]}])
    transformer.seen_ = {"c": ["y"]}
    return transformer


def test_a_transformer_reads_back_equal(tmp_path: Path) -> None:
    bundle.write_preprocessor(tmp_path / "p.skops", fitted())
    read = bundle.read_preprocessor(tmp_path / "p.skops")
    assert type(read) is FeatureTransformer
    assert vars(read) == vars(fitted())


def test_equal_transformers_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    for i in range(3):
        transformer = fitted()
        transformer.seen_["c"] = ["y"] if i < 2 else ["x"]
        bundle.write_preprocessor(tmp_path / f"{i}.skops", transformer)
    first, second, other = ((tmp_path / f"{i}.skops").read_bytes() for i in range(3))
    assert first == second != other


def test_time_stamps_and_addresses_are_not_in_the_file(tmp_path: Path) -> None:
    bundle.write_preprocessor(tmp_path / "p.skops", fitted())
    with zipfile.ZipFile(tmp_path / "p.skops") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        text = archive.read("schema.json").decode()
    numbers = {int(number) for number in re.findall(r'"__id__": (\d+)', text)}
    assert numbers == set(range(1, len(numbers) + 1))


def rename_format(path: Path, old: str, new: str) -> None:
    """Replace the name of the format in a preprocessor file."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in entries["schema.json"]
    entries["schema.json"] = entries["schema.json"].replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def test_the_name_of_the_module_is_not_in_the_file(tmp_path: Path) -> None:
    bundle.write_preprocessor(tmp_path / "p.skops", fitted())
    with zipfile.ZipFile(tmp_path / "p.skops") as archive:
        contents = [archive.read(name).decode() for name in archive.namelist()]
    assert not any("steps" in text for text in contents)
    assert any(f'"__module__": "{stored.FORMAT}"' in text for text in contents)


def test_a_file_from_before_formats_had_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.skops"
    bundle.write_preprocessor(path, fitted())
    rename_format(path, stored.FORMAT, "steps.features")
    assert vars(bundle.read_preprocessor(path)) == vars(fitted())


def test_a_class_that_moves_reads_its_files_and_writes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.write_preprocessor(tmp_path / "before.skops", fitted())
    moved = ModuleType("elsewhere")
    moved.FeatureTransformer = FeatureTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "elsewhere", moved)
    monkeypatch.setattr(FeatureTransformer, "__module__", "elsewhere")
    monkeypatch.setattr(bundle, "_MODULE", "elsewhere")
    monkeypatch.setattr(bundle, "_TRUSTED", ["elsewhere.FeatureTransformer"])
    assert vars(bundle.read_preprocessor(tmp_path / "before.skops")) == vars(fitted())
    bundle.write_preprocessor(tmp_path / "after.skops", fitted())
    assert (tmp_path / "after.skops").read_bytes() == (tmp_path / "before.skops").read_bytes()


@pytest.mark.parametrize("name", ["covertype.features.v2", "os"])
def test_an_unknown_format_ends_with_one_line(own_chain: Chain, name: str) -> None:
    rename_format(own_chain["preprocessor"], stored.FORMAT, name)
    with pytest.raises(BadDataError, match="not a preprocessor") as caught:
        bundle.read_preprocessor(own_chain["preprocessor"])
    assert "\n" not in str(caught.value)
    names = ("train_features", "validation_features", "preprocessor", "model", "learning_curve")
    words = [f"--{option.replace('_', '-')}={own_chain[option]}" for option in names]
    result = call(train.main, *words, f"--parameters={own_chain['best_parameters']}", "--rounds=2")
    assert (result.code, len(result.errors)) == (65, 1)
    assert "Traceback" not in result.log


def test_a_damaged_transformer_is_refused(tmp_path: Path) -> None:
    bundle.write_preprocessor(tmp_path / "p.skops", fitted())
    data = (tmp_path / "p.skops").read_bytes()
    for damaged in (data[:-30], data[:60] + bytes(20) + data[80:], b"", b"PK"):
        (tmp_path / "p.skops").write_bytes(damaged)
        with pytest.raises(BadDataError, match="not a preprocessor"):
            bundle.read_preprocessor(tmp_path / "p.skops")


class Stranger(FeatureTransformer):
    pass


def test_other_types_are_refused(tmp_path: Path) -> None:
    skops.io.dump(Stranger(), tmp_path / "stranger.skops")
    with pytest.raises(BadDataError, match=r"not a preprocessor .*Stranger"):
        bundle.read_preprocessor(tmp_path / "stranger.skops")
    skops.io.dump({"a": 1}, tmp_path / "dict.skops")
    with pytest.raises(BadDataError, match="not a preprocessor but a dict"):
        bundle.read_preprocessor(tmp_path / "dict.skops")


def test_a_missing_transformer(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        bundle.read_preprocessor(tmp_path / "p.skops")


def booster_of(rounds: int = 3) -> xgboost.Booster:
    rows = np.random.default_rng(0).random((200, 3), np.float32)
    matrix = xgboost.QuantileDMatrix(rows, label=rows[:, 0] > 0.5)
    return xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, rounds)


def write(folder: Path) -> xgboost.Booster:
    bundle.write_preprocessor(folder / "p.skops", fitted())
    booster = booster_of()
    facts = {"cover_type": "aspen", "label": 5, "features": ["a"], "threshold": 0.25, "schema": SCHEMA.to_json()}
    bundle.write(folder / "model", folder / "p.skops", booster, {**facts, "seed": 3})
    return booster


def change_metadata(folder: Path, **values: object) -> None:
    """Change keys of a bundle's metadata; those that are None are removed."""
    path = folder / "model" / "metadata.json"
    metadata = {**storage.read_json(path), **values}
    storage.write_json(path, {name: value for name, value in metadata.items() if value is not None})


def test_round_trip(tmp_path: Path) -> None:
    booster = write(tmp_path)
    read = bundle.read(tmp_path / "model")
    assert read.booster.save_raw("ubj") == booster.save_raw("ubj")
    assert vars(read.transformer) == vars(fitted())
    assert (read.threshold, read.schema, read.metadata["seed"]) == (0.25, SCHEMA, 3)
    assert read.metadata["libraries"]["xgboost"] == xgboost.__version__
    assert set(read.metadata["libraries"]) == set(bundle.LIBRARIES)
    assert read.metadata["code_sha256"] == bundle.code_sha256()


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name / "model").iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"preprocessor.skops", "model.ubj", "metadata.json"}


def test_a_bundle_replaces_an_earlier_one(tmp_path: Path) -> None:
    write(tmp_path)
    model = tmp_path / "model" / "model.ubj"
    first = model.read_bytes()
    model.write_bytes(b"old")
    write(tmp_path)
    assert model.read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "p.skops"]


@pytest.mark.parametrize("name", ["preprocessor.skops", "model.ubj"])
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(BadDataError, match=f"checksum does not match the metadata, in .*{name}"):
        bundle.read(tmp_path / "model")


@pytest.mark.parametrize("name", ["preprocessor.skops", "model.ubj", "metadata.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (tmp_path / "model" / name).unlink()
    with pytest.raises(NoInputError, match=f"no {name}, in .*model"):
        bundle.read(tmp_path / "model")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "\udcff"])
def test_metadata_that_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path)
    (tmp_path / "model" / "metadata.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadDataError, match="not a bundle's metadata"):
        bundle.read(tmp_path / "model")


@pytest.mark.parametrize("value", [None, {}])
@pytest.mark.parametrize("name", ["cover_type", "label", "threshold", "features", "schema", "sha256"])
def test_metadata_without_a_fact_is_refused(tmp_path: Path, name: str, value: object) -> None:
    write(tmp_path)
    change_metadata(tmp_path, **{name: value})
    what = f"'{name}' is missing or wrong" if (name, value) != ("sha256", {}) else "checksum does not match"
    with pytest.raises(BadDataError, match=what):
        bundle.read(tmp_path / "model")


def test_what_is_no_model_is_refused_also_where_its_checksum_matches(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "model" / "model.ubj").write_bytes(b"no model")
    names = ("preprocessor.skops", "model.ubj")
    change_metadata(tmp_path, sha256={name: storage.sha256_file(tmp_path / "model" / name) for name in names})
    with pytest.raises(BadDataError, match=r"not an XGBoost model, in .*model\.ubj"):
        bundle.read(tmp_path / "model")


def test_other_files_in_the_folder_are_let_alone(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "model" / "notes.txt").write_text("trained on a Friday")
    assert bundle.read(tmp_path / "model").threshold == 0.25


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.ubj", "checksum does not match the metadata, in {path}: train or fetch again"),
        ("preprocessor.skops", "checksum does not match the metadata, in {path}: train or fetch again"),
        ("metadata.json", "not a bundle's metadata (Expecting value: line 1 column 1 (char 0)), in {path}"),
    ],
)
def test_evaluating_a_damaged_bundle_ends_with_one_line(own_chain: Chain, name: str, words: str) -> None:
    path, made = own_chain["model"] / name, Chain(own_chain.folder / "made")
    path.write_bytes(b"damaged")
    inputs = ("--model", path.parent, "--test-features", own_chain["test_features"])
    result = call(evaluate.main, *inputs, "--scores", made["scores"], "--metrics", made["metrics"])
    assert (result.code, len(result.errors)) == (65, 1)
    assert result.errors[0].startswith("error: " + words.format(path=path))
    assert "Traceback" not in result.log
    assert not made.folder.exists()


def test_a_damaged_preprocessor_gets_into_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "p.skops").write_bytes(b"damaged")
    with pytest.raises(BadDataError, match=r"not a preprocessor .*p\.skops"):
        bundle.write(tmp_path / "model", tmp_path / "p.skops", booster_of(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["p.skops"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    bundle.write_preprocessor(tmp_path / "p.skops", fitted())
    with pytest.raises(ValueError, match="JSON"):
        bundle.write(tmp_path / "model", tmp_path / "p.skops", booster_of(), {"threshold": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["p.skops"]


def test_what_the_chain_writes(chain: Chain) -> None:
    metadata = bundle.read(chain["model"]).metadata
    assert (metadata["cover_type"], metadata["label"]) == ("lodgepole-pine", 2)
    assert metadata["parameters"]["max_leaves"] == 64
    assert metadata["best_rounds"] == 12
    profile = json.loads(json.dumps(metadata))
    assert profile == metadata
    assert metadata["sha256"]["model.ubj"] == storage.sha256_file(chain["model"] / "model.ubj")
