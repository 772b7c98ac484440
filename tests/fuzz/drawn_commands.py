"""Draws command lines of ``python workflows/covertype.py`` with a drawn schema and a drawn table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import yaml
from hypothesis import strategies as st

from tests.fuzz import drawn_schemas, drawn_tables, toml_text, words
from workflows.settings import Settings

if TYPE_CHECKING:
    from tests.fuzz.cells import Table
    from tests.fuzz.drawn_schemas import Document

SCHEMA, CONFIG, OUTPUT, PROFILE = "schema.toml", "job.yaml", "runs", "profile.json"
_LONGEST_SHOWN = 4000
_LEARNING = ("train.rounds=2", "train.max_leaves=4")


@dataclass(frozen=True, repr=False)
class Case:
    """A command line, and the files in the folder where it runs.

    ``settings`` are the settings, as texts, that select the rows and classes of a run.
    """

    words: tuple[str, ...]
    files: dict[str, bytes]
    encoding: str = "utf-8"
    document: Document = field(default_factory=dict)
    table: Table | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - as Hypothesis calls it
        """Print the same text when Hypothesis shows a case."""
        del cycle
        printer.text(repr(self))

    @property
    def verb(self) -> str:
        """The verb."""
        return self.words[0]

    def __repr__(self) -> str:
        """Return the command line and the files that reproduce it. Long files are cut; ``explore`` stores them."""
        encoding = [f"encoding = {self.encoding!r}"] if self.encoding != "utf-8" else []
        files = [f"file {name!r} = {_cut(repr(data))}" for name, data in self.files.items()]
        return "\n".join(["", f"words = {list(self.words)!r}", *encoding, *files])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}... ({len(text)} characters)"


def choices(setting: str) -> tuple[str, ...]:
    """Return the allowed values of a setting."""
    return get_args(Settings.model_fields[setting].annotation)


@st.composite
def runs(draw: st.DrawFn) -> Case:
    """Draw a run, or a run of one class."""
    document = draw(drawn_schemas.documents())
    table = draw(drawn_tables.tables(document, plain=draw(st.booleans())))
    settings = _settings(draw, document, table)
    verb = ["run"]
    if draw(st.integers(0, 5)) == 0:
        settings.pop("cover_types", None)
        wanted = draw(st.one_of(st.sampled_from(_names_of(document)), words.texts)).replace("\x00", "")
        verb, settings = ["train"], {**settings, "cover_types": wanted}
    given = {"source": table.source, "schema": SCHEMA, "preset": "fast", **settings}
    flags, config = _spread(
        draw, {key: value for key, value in given.items() if verb == ["run"] or key != "cover_types"}
    )
    overrides = [*_LEARNING, *(draw(_odd_overrides(document)) if draw(st.integers(0, 4)) == 0 else ())]
    own = [f"--output={OUTPUT}", "--parallel=1", *(f"--set={entry}" for entry in overrides)]
    last = ["--", settings["cover_types"]] if verb == ["train"] else []
    files = {SCHEMA: toml_text.document(document).encode(), **table.files, **config}
    json_ = ["--json"] if draw(st.booleans()) else []
    encoding = draw(st.sampled_from(["utf-8"] * 9 + ["ascii", "latin-1", "cp1252"]))
    return Case((*verb, *flags, *own, *json_, *last), files, encoding, document, table, settings)


@st.composite
def preparations(draw: st.DrawFn) -> Case:
    """Draw the first step of a run alone, because most errors in a schema or a table occur there."""
    document = draw(drawn_schemas.documents())
    table = draw(drawn_tables.tables(document))
    drawn = _settings(draw, document, table)
    own = {"rows", "first_label", "on_missing", "duplicates"}
    settings = {name: value for name, value in drawn.items() if name in own}
    given = {"source": table.source, "schema": SCHEMA, **settings}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    slugs = _names_of(document)[::2]
    outputs = [f"--dataset={slug}={dataset_name(at)}" for at, slug in enumerate(slugs)]
    words_ = [word.replace("\x00", "") for word in ("steps.prepare", *flags, *outputs, f"--profile={PROFILE}")]
    files = {SCHEMA: toml_text.document(document).encode(), **table.files}
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["ascii"]))
    return Case(tuple(words_), files, encoding, document, table, settings)


def dataset_name(position: int) -> str:
    """Return the file for the dataset of the class at this position."""
    return f"dataset-{position}.parquet"


@st.composite
def renderings(draw: st.DrawFn) -> Case:
    """Draw a rendering or a lint, which read no table."""
    document = draw(drawn_schemas.documents())
    settings = {**_settings(draw, document, None), **_places(draw)}
    flags, config = _spread(draw, {"schema": SCHEMA, **settings})
    overrides = draw(_odd_overrides(document)) if draw(st.integers(0, 3)) == 0 else ()
    own = [f"--set={entry}" for entry in overrides]
    verb = draw(st.sampled_from(["render", "render", "lint"]))
    if verb == "render":
        own += _of_render(draw)
    files = {SCHEMA: toml_text.document(document).encode(), **config}
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["ascii", "latin-1"]))
    return Case((verb, *flags, *own), files, encoding, document, None, settings)


def _names_of(document: Document) -> list[str]:
    """Return slugs and labels."""
    listed = document.get("cover_types")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return [str(entry.get(key)) for entry in entries for key in ("slug", "label")] or ["oak"]


def _settings(draw: st.DrawFn, document: Document, table: Table | None) -> dict[str, str]:
    rows = table.rows if table else 90
    offered: dict[str, st.SearchStrategy[Any]] = {
        "rows": st.sampled_from([0, 30, 60, rows, rows + 1, 1000, 1, 2, -1, 10**20, "x", "1e3", 2**63]),
        "seed": st.one_of(st.integers(0, 9), st.sampled_from([-1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30, "x"])),
        "first_label": st.sampled_from(["auto", *choices("first_label"), "two"]),
        "on_missing": st.sampled_from(["drop", *choices("on_missing")]),
        "duplicates": st.sampled_from(choices("duplicates")),
        "trials": st.sampled_from([0, 1, 1, -1]),
        "objective": st.sampled_from(choices("objective")),
        "sampler": st.sampled_from(choices("sampler")),
        "refit": st.sampled_from(choices("refit")),
        "pods": st.sampled_from(choices("pods")),
        "timeout": st.sampled_from([1000, 0, -1, "", 2**63]),
        "cover_types": st.one_of(st.lists(st.sampled_from(_names_of(document)), max_size=3).map(",".join), words.texts),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(offered)), max_size=3, unique=True))
    if draw(st.booleans()):
        chosen = [name for name in chosen if name in {"on_missing", "duplicates", "rows"}]
    found = {name: str(draw(offered[name])) for name in chosen}
    if any(None in cells for cells in table.columns.values()) if table else False:
        found.setdefault("on_missing", draw(st.sampled_from(["drop", *choices("on_missing")])))
    return found


def _places(draw: st.DrawFn) -> dict[str, str]:
    """Draw settings about the place where a run executes."""
    offered = ("namespace", "image", "service_account", "study_volume", "study_name", "registry", "source", "output")
    chosen = draw(st.lists(st.sampled_from(offered), max_size=2, unique=True))
    places = st.one_of(
        words.texts, st.sampled_from(["gs://bucket/a", "GS://bucket/a", "file://a/b", "./models", "bq://p.d.t"])
    )
    return {name: draw(places) for name in chosen if name != "output"}


def _of_render(draw: st.DrawFn) -> list[str]:
    offered: dict[str, st.SearchStrategy[str]] = {
        "kind": st.sampled_from(["Workflow", "WorkflowTemplate", "CronWorkflow", "Pod"]),
        "name": st.one_of(words.slugs, st.sampled_from(["a" * 52, "a" * 53, "a" * 63, "a" * 64, "a.b", "a" * 253])),
        "schedule": st.one_of(
            words.texts, st.sampled_from(["0 3 * * 1", "@daily", "* * * * *", "61 * * * *", "0 0 31 2 *"])
        ),
        "file": st.sampled_from(["made.yaml", "made.yaml", "a/made.yaml", "", "."]),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(offered)), max_size=3, unique=True))
    return [f"--{name}={draw(offered[name])}".replace("\x00", "") for name in chosen]


def _odd_overrides(document: Document) -> st.SearchStrategy[list[str]]:
    """Draw overrides that may be wrong, but none that would only need much time or memory."""
    slugs = st.sampled_from(_names_of(document))
    plain = ("train.rounds=3", "train.learning_rate=0.5", "train.max_depth=3", "split.seed=3", "evaluate.threads=2")
    odd = (
        *(
            "train.rounds=0",
            "train.rounds=-1",
            "train.rounds=2.5",
            "train.rounds=",
            "train.rounds",
            "=",
            "",
            "train.=1",
        ),
        *("train.learning_rate=nan", "train.learning_rate=inf", "train.learning_rate=-1", "train.learning_rate=1e-400"),
        *(
            "train.gamma=nan",
            "train.gamma=inf",
            "train.gamma=1e39",
            "train.max_bin=1",
            "train.max_bin=2",
            "train.max_bin=0",
        ),
        *(
            "train.reg_lambda=nan",
            "train.scale_pos_weight=nan",
            "train.scale_pos_weight=inf",
            "train.scale_pos_weight=0",
        ),
        *("train.subsample=0.01", "train.min_child_weight=1e30", "train.max_delta_step=nan", "train.grow_policy=x"),
        *("train.early_stopping=1", "train.evaluate_every=1", "train.early_stopping=-1", "train.device=cuda"),
        *("split.train_fraction=nan", "split.train_fraction=0.98", "split.test_fraction=inf", "split.test-fraction=0"),
        *(
            "preprocess.feature_set=derived",
            "preprocess.feature_set=plain",
            "preprocess.feature_set=x",
            "prepare.rows=3",
        ),
        *(
            "train.threads=0",
            "train.threads=x",
            "tune.pruner=none",
            "report.seed=1",
            "train.model=x",
            "train.rounds=--help",
        ),
    )
    of_slug = st.builds(
        "train.{}.{}".format, slugs, st.sampled_from(["rounds=3", "max_depth=2", "rounds=x", "threads=2"])
    )
    return st.lists(st.one_of(st.sampled_from((*plain, *odd)), of_slug), min_size=1, max_size=2).map(
        lambda entries: [entry.replace("\x00", "") for entry in entries]
    )


def _spread(draw: st.DrawFn, settings: dict[str, str]) -> tuple[list[str], dict[str, bytes]]:
    """Pass settings as flags, or some of them in a config file. A flag cannot contain a null character."""
    must = {name for name, value in settings.items() if "\x00" in value}
    filed = (
        {*draw(st.lists(st.sampled_from(sorted(settings)), max_size=3)), *must}
        if must or draw(st.integers(0, 5)) == 0
        else set()
    )
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items() if name not in filed]
    if not filed:
        return flags, {}
    numbers = {"rows", "seed", "trials", "timeout"}
    values = {
        name: int(value) if name in numbers and value.removeprefix("-").isdecimal() else value
        for name, value in settings.items()
        if name in filed
    }
    return [f"--config={CONFIG}", *flags], {CONFIG: yaml.safe_dump(values, allow_unicode=draw(st.booleans())).encode()}
