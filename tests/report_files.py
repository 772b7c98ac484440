"""Files of a small run that the report reads, and the step's command line for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steps import report, reporting, schema, tables
from steps.core import runtime, storage
from steps.datasets import notes as data_notes
from steps.models import intervals
from steps.reporting.document import PROFILE_FACTS
from steps.search.study import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SLUGS = ("oak", "beech", "fir")
TITLES = ("Oak & <i>Holm oak</i>", "Beech/Hornbeam", "Fir $x^2$")
STEPS = ("split", "train")
TREES = (
    'name = "trees & <b>shrubs</b>"\ntarget = "Tree"\ncolumns = [{ name = "Height_<m>", dtype = "int16" }]\n'
    + "".join(
        f'[[cover_types]]\nlabel = "{slug[0]}"\nslug = "{slug}"\ntitle = "{title}"\n'
        for slug, title in zip(SLUGS, TITLES, strict=True)
    )
)
ROWS = 240
SHA = "0123456789abcdef" * 4
SCORED = pa.schema([(tables.ROW, pa.int64()), (tables.LABEL, pa.uint8()), (tables.SCORE, pa.float32())])


class ReportFiles:
    """Files of a small run in a folder, and the step's arguments for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "trees.toml").write_text(TREES)
        self.schema = schema.load(str(folder / "trees.toml"))
        generator = np.random.default_rng(0)
        self.truth = generator.integers(0, len(SLUGS), ROWS)
        self.scores = generator.random((len(SLUGS), ROWS)).astype(np.float32)
        self.scores[self.truth, np.arange(ROWS)] += np.float32(0.3)
        self.scores /= np.float32(1.3)
        self.data(dict.fromkeys(SLUGS, 400), [])
        self.usage("prepare", 0, 2)
        for place, slug in enumerate(SLUGS):
            self.evaluated(place, slug)
            for step_place, step in enumerate(STEPS):
                self.usage(f"{slug}-{step}", 2 + step_place, 0.5 + place)

    def data(self, used: dict[str, int], notes: list[str]) -> None:
        """Write the profile of a table of 400 rows a cover type, some of them used."""
        source = dict.fromkeys(SLUGS, 400)
        profile = dict.fromkeys(PROFILE_FACTS, "x") | {
            "rows": sum(used.values()),
            "rows_read": 1200,
            "dropped": {"missing": 1200 - sum(used.values()), "duplicates": 0, "not_in_sample": 0},
            "data_sha256": SHA,
            "cover_types": used,
            "source_cover_types": source,
            "prevalence": data_notes.compare_prevalence(source, used),
            "notes": notes,
        }
        storage.write_json(self.folder / "profile.json", profile)

    def path(self, kind: str, slug: str) -> Path:
        return self.folder / slug / kind

    def labels(self, place: int) -> NDArray[np.uint8]:
        return np.asarray(self.truth == place, np.uint8)

    def evaluated(self, place: int, slug: str) -> None:
        labels, scores = self.labels(place), self.scores[place]
        found, counts = intervals.binary_metrics(labels, scores, 0.6)
        document = {
            "cover_type": slug,
            "label": slug[0],
            "rows": ROWS,
            "support": int(labels.sum()),
            "threshold": 0.6,
            "metrics": {name: estimate.to_dict() for name, estimate in found.items()},
            "confusion": {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn},
            "pr_curve": {"recall": [0.1, 0.5, 1.0], "precision": [1.0, 0.8, 0.4]},
            "importances": {"Height_<m>": 0.75, f"only_{slug}": 0.25},
        }
        storage.write_json(self.path("metrics.json", slug), document)
        part = {"pr_auc": [0.6, 0.7, 0.65], "logloss": [0.5, 0.4, 0.4]}
        storage.write_json(self.path("curve.json", slug), {"rounds": [1, 2, 3], "train": part, "validation": part})
        with tables.open_writer(self.path("scores", slug), SCORED, tables.Metadata(self.schema, slug, SHA)) as writer:
            columns = [pa.array(np.arange(ROWS)), pa.array(labels), pa.array(scores)]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=SCORED))

    def usage(self, name: str, started: float, wall: float) -> None:
        figures = {
            "wall_seconds": wall,
            "cpu_seconds": wall,
            "peak_rss_bytes": 1 << 30,
            "rows_in": 1234567,
            "rows_out": 0,
        }
        times = {"started": 1000.0 + started, "finished": 1000.0 + started + wall}
        document = {
            "step": name.rpartition("-")[2],
            "run": "now",
            **times,
            **figures,
            "bytes_in": 2 << 20,
            "bytes_out": 0,
        }
        storage.write_json(self.folder / "usage" / name, document)

    def run(self, *more: str, asked: Sequence[str] = SLUGS, name: str = "out") -> int:
        arguments = ["--schema", str(self.folder / "trees.toml"), "--profile", str(self.folder / "profile.json")]
        arguments += [f"--{kind}={self.folder / name}.{kind}" for kind in ("html", "json", "summary", "usage")]
        for slug in asked:
            arguments += ["--cover-type", slug]
            for option, kind in (("metrics", "metrics.json"), ("scores", "scores"), ("learning-curve", "curve.json")):
                arguments += [f"--{option}", f"{slug}={self.path(kind, slug)}"]
        for step in ("prepare", *(f"{slug}-{step}" for slug in asked for step in STEPS), "oak-tune"):
            arguments += ["--step-usage", f"{step}={self.folder / 'usage' / step}"]
        return runtime.run(report.main, [*arguments, *more])

    def page(self, name: str = "out") -> str:
        return (self.folder / f"{name}.html").read_text()

    def document(self, name: str = "out") -> dict[str, Any]:
        found: dict[str, Any] = storage.read_json(self.folder / f"{name}.json")
        return found

    def fail(self, *slugs: str) -> None:
        """Take away what the evaluation of these cover types wrote."""
        for slug in slugs:
            self.path("metrics.json", slug).unlink()
            self.path("scores", slug).unlink()

    def results(self, *, asked: Sequence[str] = SLUGS, run: str = "now") -> reporting.RunResults:
        """Return what the step reads from the files, as it gives it to the page."""
        requested = [self.schema.cover_type(slug) for slug in asked]
        usages = {path.name: path for path in sorted((self.folder / "usage").iterdir(), key=lambda path: path.name)}
        profile = reporting.read_json(self.folder / "profile.json")
        outputs = reporting.read_model_outputs(
            {slug: self.path("metrics.json", slug) for slug in asked},
            {slug: self.path("scores", slug) for slug in asked},
            {slug: self.path("curve.json", slug) for slug in asked},
            {slug: self.path("trials.json", slug) for slug in asked},
            profile["data_sha256"],
        )
        document = reporting.build_document(
            self.schema, requested, outputs, profile, reporting.read_usages(usages, run)
        )
        return reporting.RunResults(
            self.schema, requested, document, outputs.metrics, outputs.curves, 7, "fast", outputs.searches
        )


def trial(number: int, value: float, rate: float, state: str = "complete") -> dict[str, Any]:
    """Return a trial whose depth is searched in every second trial alone."""
    values = {"learning_rate": rate, **({"max_depth": number} if number % 2 else {}), "grow_policy": "lossguide"}
    parameters = {"rounds": 20, "max_depth": 6, **values}
    made = Trial(
        number=number,
        origin="tpe",
        state=state,
        value=value,
        values=values,
        parameters=parameters,
        best_rounds=20,
        seconds=1,
    )
    return asdict(made)


def trial_table_of(objective: str = "pr_auc") -> dict[str, Any]:
    trials = [
        trial(i, 0.5 + 0.3 * (i % 7) / 7, 0.1 * (1 + i % 5), "pruned" if i % 4 == 3 else "complete")
        for i in range(1, 13)
    ]
    return {
        "objective": objective,
        "best": 6,
        "gain": {
            "preset": 0.6,
            "best": 0.75,
            "gain": 0.15,
            "low": 0.1,
            "high": 0.2,
            "rows": 90,
            "positive_rows": 9,
            "significant": True,
        },
        "importances": {"learning_rate": 0.75, "max_depth": 0.25},
        "space": [
            {"name": "learning_rate", "low": 0.1, "high": 0.5, "log": True},
            {"name": "max_depth", "low": 1, "high": 12, "log": False},
            {"name": "grow_policy", "choices": ["lossguide", "depthwise"]},
        ],
        "trials": trials,
    }
