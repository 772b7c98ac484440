"""Reference pages from the code: each function returns the Markdown that replaces its marker in a page of ``docs/``.

A page holds ``<!-- generated: NAME -->`` where the text of ``SECTIONS[NAME]`` belongs. Nothing here names an option:
the command line is read from typer's parameters, settings from the JSON schema of the pydantic model.

    python -m docs.generate command-line        # prints one section
"""  # noqa: INP001 - a script beside the pages

from __future__ import annotations

import ast
import dataclasses
import json
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.command_lines import Option, command_of_step, options_of, verbs
from steps import CHAIN, NAMES, PIPELINE, PREDICT, SERVE
from steps import options as steps_options
from steps.core import errors
from workflows.settings import Settings, loading, overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
MARKER = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
# Options that as many verbs share with one help text are listed once, where there are as many of them.
_SHARED_BY = 4
# Help texts are prose: what Markdown would take for markup is escaped, and names of options become code.
_MARKUP = re.compile(r"([\\*_<>\[\]`|$])")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z][a-z-]*)")


def escaped(text: str) -> str:
    """Return prose as Markdown shows it unchanged, with the names of options as code."""
    return _OPTION.sub(r"`\1`", _MARKUP.sub(r"\\\1", text))


def code(text: object) -> str:
    """Return a text as code in a cell of a table."""
    return "`" + str(text).replace("|", "\\|") + "`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; nothing without rows."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if len(lines) > 2 else ""  # noqa: PLR2004 - the head


def _options_table(options: Iterable[Option]) -> str:
    return table(("option", "meaning"), ((code(each.written), escaped(each.help)) for each in options))


def command_line() -> str:
    """Return a section for each verb; options that many verbs share come first, once."""
    all_verbs = verbs()
    users: dict[Option, list[str]] = defaultdict(list)
    for verb in all_verbs:
        for option in verb.options:
            users[option].append(verb.words)
    shared: dict[tuple[str, ...], list[Option]] = defaultdict(list)
    for option, names in users.items():
        if len(names) >= _SHARED_BY:
            shared[tuple(names)].append(option)
    shared = {names: options for names, options in shared.items() if len(options) >= _SHARED_BY}
    anchors = {group: f"options-{number}" for number, group in enumerate(shared, 1)}
    parts = []
    for group, options in shared.items():
        listed = ", ".join(map(code, group[:-1])) + f" and {code(group[-1])}"
        parts += [f"({anchors[group]})=", f"## Options of {listed}", _options_table(options)]
    for verb in all_verbs:
        common = [group for group in shared if verb.words in group]
        own = [option for option in verb.options if not any(option in shared[group] for group in common)]
        links = ", ".join(f"[{len(shared[group])} options](#{anchors[group]})" for group in common)
        parts += [f"## `{verb.words}`", escaped(verb.help), "\n".join(["```sh", *verb.examples, "```"])]
        parts += [_options_table(own), f"Shared with other verbs: {links}." if links else ""]
    return "\n\n".join(filter(None, parts))


def steps() -> str:
    """Return a section for each step module."""
    parts = []
    for name in (*NAMES, CHAIN, PIPELINE, PREDICT, SERVE):
        command = command_of_step(name)
        parts += [f"## `steps.{name}`", escaped(command.help or ""), _options_table(options_of(command, name))]
    return "\n\n".join(filter(None, parts))


def configuration() -> str:
    """Return the table of settings, and one for each mapping that a setting holds."""
    schema = Settings.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    helps = {name: option.help for verb in reversed(verbs()) for option in verb.options for name in option.names}
    rows = []
    for name, found in schema["properties"].items():
        flag = flag_of(name)
        written = f"{code(name)}, {code(flag)}" if flag in helps else code(name)
        meaning = found.get("description") or helps.get(flag, "")
        rows.append((written, _type_of(found), _default_of(found), escaped(meaning)))
    parts = [table(("setting and flag", "type", "default", "meaning"), rows)]
    for title, definition in definitions.items():
        parts += [f"({title.lower()})=", f"### {title}", escaped(definition.get("description", ""))]
        rows_ = [
            (code(name), _type_of(found), _default_of(found), escaped(found.get("description", "")))
            for name, found in definition["properties"].items()
        ]
        parts.append(table(("key", "type", "default", "meaning"), rows_))
    return "\n\n".join(filter(None, parts))


def flag_of(setting: str) -> str:
    """Return the flag that would set a setting on a command line."""
    return f"--{setting.replace('_', '-')}"


def environment() -> str:
    """Return the environment variables of the settings."""
    names = Settings.model_json_schema(by_alias=True)["properties"]
    return ", ".join(code(f"{loading.ENVIRONMENT_PREFIX}{name.upper()}") for name in names) + "."


def _type_of(schema: dict[str, Any]) -> str:
    """Return in words what a value may be, from its JSON schema."""
    if "$ref" in schema:
        title = schema["$ref"].rpartition("/")[2]
        return f"[{title}](#{title.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type_of(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    if kind == "object":
        return f"mapping to {_type_of(schema.get('additionalProperties') or {})}"
    limits = [f"{sign} {schema[key]:g}" for key, sign in _LIMITS.items() if key in schema and _small(schema[key])]
    return " ".join([str(kind), *limits])


_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
# A bound above this is that of 64 bits, which says nothing to a reader.
_LARGE = 2**53


def _small(bound: float) -> bool:
    return abs(bound) < _LARGE


def _default_of(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) else code(json.dumps(default).strip('"'))


def set_options() -> str:
    """Return the options that ``--set`` takes, by step."""
    return table(
        ("step", "options"),
        ((code(step), ", ".join(map(code, options))) for step, options in overrides.OPTIONS.items()),
    )


def step_resources() -> str:
    """Return the resources of each step's pod without any setting."""
    defaults = Settings()
    rows = []
    for name in (*NAMES, CHAIN, PIPELINE, PREDICT):
        given = defaults.resources(name)
        hours = f"{given.deadline_seconds / 3600:g} h"
        rows.append((code(name), given.cpu, given.cpu_limit or given.cpu, given.memory, hours))
    return table(("step", "CPU request", "CPU limit", "memory", "deadline"), rows)


def exit_codes() -> str:
    """Return the exit codes with what each says, from the errors' own descriptions."""
    rows = {0: "The command succeeded."}
    rows[errors.RUN_FAILED] = "The run failed, for several reasons or for one without a code of its own; or a defect."
    for kind in _kinds(errors.PipelineError):
        rows.setdefault(kind.exit_code, (kind.__doc__ or "").partition("\n")[0])
    rows[errors.INTERRUPTED] = "Interrupted by Ctrl-C. What was finished is kept."
    rows[errors.TERMINATED] = "Terminated by SIGTERM or SIGHUP, after temporary files were removed."
    return table(("code", "meaning"), ((str(number), escaped(rows[number])) for number in sorted(rows)))


def _kinds(kind: type[errors.PipelineError]) -> Iterator[type[errors.PipelineError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from _kinds(each)


def workflow_parameters() -> str:
    """Return the parameters of the workflow, in the order of the Argo UI's form."""
    from workflows.argo import form

    return _parameters_table(form.parameters(Settings()))


def prediction_parameters() -> str:
    """Return the parameters of the workflow that scores a table; those without a default must be given."""
    from workflows.argo import form

    options = steps_options.options_of(PREDICT, steps_options.Scope.FORM)
    defaults = {
        option.attribute: None if option.default is dataclasses.MISSING else option.default for option in options
    }
    return _parameters_table(form.parameters_of(options, defaults))


def _parameters_table(parameters: Iterable[Any]) -> str:
    rows = [
        (
            code(parameter.name),
            code(parameter.value) if parameter.value else "",
            ", ".join(map(code, parameter.enum or ())),
            escaped(parameter.description or ""),
        )
        for parameter in parameters
    ]
    return table(("parameter", "default", "values", "meaning"), rows)


def packages() -> str:
    """Return the packages by layer, highest first, as import-linter checks them, with what each holds."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    parts = []
    for contract in contracts:
        if contract["type"] != "layers":
            continue
        (container,) = contract["containers"]
        parts.append(f"### `{container}/`")
        rows = [
            (str(number), code(f"{container}.{name}"), escaped(summary_of(container, name)))
            for number, layer in enumerate(contract["layers"], 1)
            for name in map(str.strip, layer.split("|"))
        ]
        parts.append(table(("layer", "module or package", "holds"), rows))
    return "\n\n".join(parts)


def summary_of(container: str, name: str) -> str:
    """Return the first line of a module's or package's docstring, without importing it; nothing where there is none."""
    base = ROOT / container / name
    file = next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else None
    return " ".join((docstring or "").partition("\n")[0].replace("``", "").split())


def measurements() -> str:
    """Return ``benchmarks/RESULTS.md`` without its title, links into the repository as code."""
    text = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8").partition("\n")[2]
    return re.sub(r"\[([^\]]+)\]\((?!https?:)([^)]+)\)", r"`benchmarks/\2`", text)


SECTIONS: dict[str, Callable[[], str]] = {
    "command-line": command_line,
    "steps": steps,
    "configuration": configuration,
    "environment": environment,
    "set-options": set_options,
    "step-resources": step_resources,
    "exit-codes": exit_codes,
    "workflow-parameters": workflow_parameters,
    "prediction-parameters": prediction_parameters,
    "packages": packages,
    "measurements": measurements,
}


def filled(text: str) -> str:
    """Return a page with its markers replaced; KeyError for a marker that names no section."""
    return MARKER.sub(lambda marker: SECTIONS[marker[1]](), text)


if __name__ == "__main__":
    for section in sys.argv[1:] or SECTIONS:
        sys.stdout.write(SECTIONS[section]() + "\n\n")
