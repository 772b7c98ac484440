"""The documentation: links, commands and generated pages agree with the code, and the site builds without a warning."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from docs import command_lines, generate
from steps import CHAIN, NAMES, PIPELINE, PREDICT, SERVE
from steps import schema as schemas
from steps.core import errors, runtime
from steps.reporting import document
from workflows import settings
from workflows.cli import options
from workflows.covertype import app
from workflows.settings import overrides

# Commands of the pages run code that other tests are about.
pytestmark = pytest.mark.no_cover
ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/[!_]*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
_FENCE = re.compile(r"^(```+|~~~+)(\S*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_PROGRAM = "workflows/covertype.py"
STEPS = (*NAMES, CHAIN, PIPELINE, PREDICT, SERVE)
FLAGS_OF_TOOLS = {"--app-name", "--from", "--kustomize", "--no-deps", "--require-hashes", "--server-side", "--upgrade"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return [match[3] for match in _FENCE.finditer(page.read_text()) if match[2] == language]


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", page.read_text())


def commands(page: Path) -> list[str]:
    """Return the lines of the shell blocks, and the ``make`` commands in the prose."""
    lines = [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [*lines, *re.findall(r"`(make [^`]+)`", prose(page))]


COMMANDS = [
    pytest.param(line, id=f"{name_of(page)}: {line[:60]}")
    for page in PAGES
    for line in commands(page)
    if _PROGRAM in line or line.startswith("make ") or "python -m " in line
]


def check_command(command: Any, words: list[str]) -> None:
    """Parse words as a command line would; an unknown option, verb or value raises."""
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    context = command.make_context("command", [word for word in words if word != "--help"])
    if "preset" in context.params:  # a verb about a run, whose flags are settings
        flags = {**options.flags(local=False), **options.flags(local=True)}
        given = {name: value for name, value in context.params.items() if name in flags and value and name != "config"}
        if "set" in given:
            given["set"] = dict(overrides.split_entry(entry) for entry in given["set"])
            overrides.parse(given["set"], schemas.load(schemas.BUILTIN).slugs)
        settings.load(given)


def check_make(words: list[str]) -> None:
    for word in words:
        name, sign, _ = word.partition("=")
        known = re.search(rf"^{re.escape(name)} \?=|^export .*\b{re.escape(name)}\b", MAKEFILE, re.MULTILINE)
        assert known if sign else word in TARGETS, f"the Makefile has no {word}"


def check_line(line: str) -> None:
    """Check a line of a shell block: programs of the project parse it, and its files are there."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        check_make(words[1:])
    elif _PROGRAM in words:
        check_command(typer.main.get_command(app), words[words.index(_PROGRAM) + 1 :])
    else:
        module, *rest = words[words.index("-m") + 1 :]
        if module == "pytest":
            assert all((ROOT / word).exists() for word in rest if word.startswith("tests"))
        elif module.partition(".")[0] in {"steps", "benchmarks"}:
            check_command(typer.main.get_command(runtime.as_app(importlib.import_module(module).main)), rest)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_parses_with_the_real_command_line(line: str) -> None:
    check_line(line)


def test_every_verb_has_examples_that_parse() -> None:
    for verb in command_lines.verbs():
        assert verb.examples, f"{verb.words} has no example"
        for line in verb.examples:
            assert line.startswith(f"python {_PROGRAM} {verb.words}"), line
            check_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "python workflows/covertype.py run --nope",
        "python workflows/covertype.py nope",
        "python workflows/covertype.py run --preset slow",
        "python workflows/covertype.py run --rows many",
        "python workflows/covertype.py run --set train.rounds=0",
        "python -m steps.split --dataset a.parquet",
        "make nope",
        "make run NOPE=1",
    ],
)
def test_a_wrong_command_does_not(line: str) -> None:
    with pytest.raises((AssertionError, KeyError, errors.UsageError, typer.exceptions.TyperException)):
        check_line(line)


def flags_of_the_project() -> set[str]:
    """Return the flags of all verbs and steps."""
    steps = [command_lines.options_of(command_lines.command_of_step(name), name) for name in STEPS]
    options = [*(verb.options for verb in command_lines.verbs()), *steps]
    return {name for found in options for option in found for name in option.names} | {"--help", "--debug"}


def unknown_flags(text: str) -> list[str]:
    """Return the flags in a text's inline code that neither the project nor a tool has that the pages mention."""
    found = [
        flag for code in re.findall(r"`([^`\n]+)`", text) for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", code)
    ]
    return sorted(set(found) - flags_of_the_project() - FLAGS_OF_TOOLS)


def test_flags_in_the_prose_exist() -> None:
    # The records keep what was true when they were written.
    pages = [page for page in PAGES if page.name != "decisions.md"]
    assert {name_of(page): found for page in pages if (found := unknown_flags(prose(page)))} == {}
    assert unknown_flags("`run --rows 9 --nope` and `--nope=1`, --never, `kubectl apply --server-side`") == ["--nope"]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_figures_of_the_readme_are_measured() -> None:
    measured = (ROOT / "benchmarks/RESULTS.md").read_text()
    found = re.findall(r"(?<![\d/])(\.\d{3,}|\d+\.\d s|\d+ MB)(?!\d)", prose(ROOT / "README.md"))
    unknown = {figure for figure in found if figure.removesuffix(" s").removesuffix(" MB").lstrip("0") not in measured}
    # What an installation takes is rounded to tens of megabytes.
    assert unknown - {"190 MB", "460 MB"} == set()
    assert len(found) > 40


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_resolve(page: Path) -> None:
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page)) + re.findall(r"<([^>\s]+)>`", prose(page))
    files = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    assert [file for file in files if file and not (page.parent / file).exists()] == []


def test_no_page_is_left_out() -> None:
    docs = ROOT / "docs"
    listed = re.findall(r"^[a-z-]+/[a-z0-9-]+$", (docs / "index.md").read_text(), re.MULTILINE)
    there = [page.relative_to(docs).with_suffix("").as_posix() for page in PAGES if page.is_relative_to(docs)]
    assert sorted([*listed, "index"]) == sorted(there)


def test_the_command_line_page_has_every_option() -> None:
    text = generate.command_line()
    for verb in command_lines.verbs():
        assert f"## `{verb.words}`" in text
        assert all(generate.code(option.written) in text for option in verb.options)
    assert "--maximum-bytes-billed BYTES" in text
    assert text.count("`--study-name NAME`") == 1  # shared by many verbs, listed once


def test_the_steps_page_has_every_option() -> None:
    text = generate.steps()
    for name in (*NAMES, CHAIN):
        options = command_lines.options_of(command_lines.command_of_step(name), name)
        assert all(generate.code(option.written) in text for option in options)
    assert "`--max-leaves <int> [0<=x]`" in text


def test_the_configuration_page_has_every_setting_and_key() -> None:
    text, schema = generate.configuration(), settings.Settings.model_json_schema(by_alias=True)
    tables = [schema, *schema["$defs"].values()]
    assert [name for table in tables for name in table["properties"] if f"`{name}`" not in text] == []


def test_the_exit_codes_page_has_every_code() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", generate.exit_codes(), re.MULTILINE)}
    assert codes == {0, errors.RUN_FAILED, errors.INTERRUPTED, errors.TERMINATED, *errors.DOCUMENTED_EXIT_CODES}


def test_a_page_with_an_unknown_marker_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        generate.filled("<!-- generated: nothing -->\n")


def test_what_markdown_takes_for_markup_is_escaped() -> None:
    assert generate.escaped("a|b *c* <d> with --set x") == r"a\|b \*c\* \<d\> with `--set` x"
    assert generate.code("a|b") == r"`a\|b`"


def test_every_environment_variable_is_described() -> None:
    text = generate.filled((ROOT / "docs/reference/environment.md").read_text())
    sources = [*ROOT.glob("steps/**/*.py"), *ROOT.glob("workflows/**/*.py")]
    pattern = re.compile(r'"((?:COVERTYPE|ARGO|KUBE|BIGQUERY|STORAGE|GOOGLE)[A-Z_]*[A-Z])"')
    read = {name for source in sources for name in pattern.findall(source.read_text())}
    assert {name for name in read if f"`{name}`" not in text} - {"GOOGLE"} == set()


def test_every_package_is_in_the_map() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for contract in contracts:
        for name in (part.strip() for layer in contract.get("layers", ()) for part in layer.split("|")):
            (container,) = contract["containers"]
            path = f"{container}/{name}" if (ROOT / container / name).is_dir() else f"{container}/{name}.py"
            known = path in text or (container == "steps" and re.search(rf"\b{name}\b", text))
            assert known, f"{path} is not in the map of packages"


def test_keys_of_the_report_are_described() -> None:
    text = (ROOT / "docs/reference/report-json.md").read_text()
    assert [key for key in (*document.PROFILE_FACTS, *document.METRICS) if f"`{key}`" not in text] == []


def test_the_schema_of_the_tutorial_is_one() -> None:
    (text,) = blocks(ROOT / "docs/tutorial/your-own-table.md", "toml")
    schema = schemas.parse(text)
    assert schema.slugs == ("setosa", "versicolor", "virginica")
    assert [feature.name for feature in schema.derived] == ["petal_area"]


def test_config_files_of_the_pages_load(tmp_path: Path) -> None:
    every = [block for page in PAGES for block in blocks(page, "yaml")]
    found = [block for block in every if "kind: Kustomization" not in block]  # see tests/test_serve_manifests.py
    assert len(found) >= 2
    for block in found:
        (tmp_path / "job.yaml").write_text(block)
        settings.load({}, tmp_path / "job.yaml")


def test_the_site_builds_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    """Costs about ten seconds: Sphinx reads every page, and every reference must resolve."""
    options = ["-W", "--keep-going", "-n", "-q", "-E", "-b", "html", "-d", str(tmp_path / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) >= sum(page.is_relative_to(ROOT / "docs") for page in PAGES)
    fetched = re.compile(r"<(?:link|script|img)\b[^>]*(?:href|src)=\"(?:https?:)?//[^\"]*\"")
    assert {found for page in pages for found in fetched.findall(page.read_text())} == set()
    commands_page = (tmp_path / "html/reference/command-line.html").read_text()
    assert "--study-volume" in commands_page
    assert "generated:" not in commands_page
