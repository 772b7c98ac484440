"""The page in a real browser, which is the system's Chromium or Chrome."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from steps.registry.destinations import Folder
from steps.serving.versions import load_folder, load_version
from tests.registered_run import VERSION
from tests.steps.serving.conftest import TOKEN, running
from tests.steps.serving.page.conftest import CATEGORIES, COLUMNS, LABELS, TITLES
from tests.support import csv_bytes, decoded, real_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running

    Opener = Callable[..., "Visit"]

# A machine that runs other tests besides is slow.
SLOW_MILLISECONDS = 30_000
expect.set_options(timeout=SLOW_MILLISECONDS)
REFUSED = "Failed to load resource: the server responded with a status of"


@dataclass
class Visit:
    """A page in a browser, what it has loaded, and what the console says."""

    page: Page
    service: Running
    loaded: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def bars(self) -> list[str]:
        return self.find("#bars tbody tr td:nth-child(3)").all_inner_texts()

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file on the page."""
        script = """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], name, { type: "text/csv" }));
            const event = (kind) => new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event("dragover"));
            document.body.dispatchEvent(event("drop"));
        }"""
        self.page.evaluate(script, [name, content.decode()])

    def require_answer(self, row: dict[str, Any]) -> None:
        """Wait for the answer about a row, and require that it is that of ``/predict``."""
        prediction = self.service.post("/predict", row).json()["predictions"][0]
        known = self.service.holder.model.ensemble
        scores = prediction["scores"]
        cells = self.find("#bars tbody tr td:nth-child(3)")
        expect(cells).to_have_text([f"{scores[each.slug]:.4f}" for each in known.cover_types])
        (best,) = [each for each in known.cover_types if each.label == prediction["cover_type"]]
        probability = f"calibrated probability {100 * prediction['probability']:.1f}%"
        expect(self.find("#cover-type")).to_have_text(best.title + probability)
        expect(self.find("#bars tr.best th")).to_have_text(best.title)
        expect(self.find(".answer.old")).to_have_count(0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path)
        yield made
        made.close()


@pytest.fixture(scope="module")
def version(registered: Path) -> ServedModel:
    """A registered version, with its report, its card and its profile."""
    return load_version(Folder(registered), VERSION)


@pytest.fixture(scope="module")
def own_service(version: ServedModel) -> Iterator[Running]:
    with running(version, max_rows=500, max_body=1 << 20) as made:
        yield made


@pytest.fixture
def visits() -> list[Visit]:
    return []


@pytest.fixture
def open_page(browser: Browser, visits: list[Visit]) -> Iterator[Opener]:
    """Open a page in a context of its own, and require at the end that it has loaded nothing from elsewhere."""

    def start(service: Running, *, width: int = 1200, refused: bool = False) -> Visit:
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        page.set_default_timeout(SLOW_MILLISECONDS)
        made = Visit(page, service)

        def keep(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not (refused and message.text.startswith(REFUSED)):
                made.errors.append(message.text)

        page.context.on("request", lambda request: made.loaded.append(request.url))
        page.context.on("console", keep)
        page.on("pageerror", lambda error: made.errors.append(str(error)))
        visits.append(made)
        page.goto(service.url("/"))
        return made

    yield start
    for visit in visits:
        own = (visit.service.url("/"), f"blob:{visit.service.url('/')}", "data:,")
        assert [address for address in visit.loaded if not address.startswith(own)] == []
        assert visit.errors == []
        visit.page.context.close()


def defaults(service: Running) -> dict[str, Any]:
    return {column["name"]: column["default"] for column in service.get("/model").json()["columns"]}


def rows_of(count: int) -> bytes:
    return csv_bytes(decoded(real_rows(2 * count).slice(0, count)).drop(["Cover_Type"]))


def test_the_defaults_are_answered(own_service: Running, open_page: Opener) -> None:
    visit = open_page(own_service)
    row = defaults(own_service)
    visit.require_answer(row)
    expect(visit.find("h1")).to_have_text("covertype")
    expect(visit.find("#explain")).to_be_hidden()
    expect(visit.find("#facts")).to_contain_text(VERSION)
    prediction = own_service.post("/predict", row).json()["predictions"][0]
    low, high = sorted(prediction["scores"].values())
    expect(visit.find("#nearest")).to_contain_text(f"its score is lower by {high - low:.4f}.")
    ensemble = own_service.holder.model.ensemble
    known = {each.slug: each for each in ensemble.cover_types}
    limits = dict(zip(known, ensemble.thresholds, strict=True))
    nearest = min(known, key=lambda slug: abs(prediction["scores"][slug] - limits[slug]))
    gap = prediction["scores"][nearest] - limits[nearest]
    said = f"that of {known[nearest].title}: its score is {abs(gap):.4f} {'above' if gap >= 0 else 'below'} it."
    expect(visit.find("#nearest")).to_contain_text(said)
    thresholds = visit.find("#bars tbody tr td:nth-child(4)").all_inner_texts()
    assert [text.split()[0] for text in thresholds] == [f"{limit:.4f}" for limit in limits.values()]


def test_a_changed_value_changes_the_bars(own_service: Running, open_page: Opener) -> None:
    visit, row = open_page(own_service), defaults(own_service)
    visit.require_answer(row)
    before = visit.bars()
    visit.page.get_by_label("Elevation").fill("3500")
    visit.page.get_by_label("Wilderness_Area").select_option(label="Neota")
    visit.require_answer({**row, "Elevation": 3500, "Wilderness_Area": "Neota"})
    assert visit.bars() != before
    visit.page.get_by_label("Elevation").fill("")
    visit.page.get_by_label("Soil_Type").select_option(label="(missing)")
    visit.require_answer({**row, "Elevation": None, "Wilderness_Area": "Neota", "Soil_Type": None})
    visit.page.get_by_role("button", name="Reset all values").click()
    visit.require_answer(row)


def test_a_bad_value_shows_its_reason_at_its_field(own_service: Running, open_page: Opener) -> None:
    visit, row = open_page(own_service, refused=True), defaults(own_service)
    visit.require_answer(row)
    problems = own_service.post("/predict", {**row, "Elevation": 9001, "Slope": 91}).json()["problems"]
    elevation, slope = (visit.page.get_by_label(name) for name in ("Elevation", "Slope"))
    elevation.fill("9001")
    slope.fill("91")
    expect(elevation).to_have_accessible_description(f"0 to 9,000 m, {usual(own_service)} {problems[0]['reason']}")
    expect(elevation).to_have_attribute("aria-invalid", "true")
    expect(visit.find(".field .error:not(:empty)")).to_have_text([each["reason"] for each in problems])
    expect(visit.find(".answer.old")).to_have_count(1)
    slope.fill("")
    slope.press_sequentially("-")
    expect(visit.find(".field .error:not(:empty)")).to_have_text(["this is not a number"])
    slope.fill(str(row["Slope"]))
    elevation.fill("2.5e3")
    visit.require_answer({**row, "Elevation": 2500})
    expect(visit.find("[aria-invalid]")).to_have_count(0)


def usual(service: Running) -> str:
    low, high = service.get("/model").json()["columns"][0]["usual"]
    return f"usual {low:,} to {high:,}"


def test_a_dropped_file_is_scored(own_service: Running, open_page: Opener) -> None:
    visit, body = open_page(own_service), rows_of(150)
    answer = own_service.post("/predict", body, "text/csv", accept="text/csv").content
    table = pd.read_csv(io.BytesIO(answer))
    expect(visit.find("#file")).to_be_enabled()
    visit.drop("new rows.csv", body)
    expect(visit.find("#file-status")).to_have_text(f"new rows.csv: 150 rows scored by {VERSION}.")
    cover_types = own_service.holder.model.ensemble.cover_types
    counts = Counter(table["cover_type"])
    expect(visit.find(".counts tbody td:nth-child(3)")).to_have_text([str(counts[each.label]) for each in cover_types])
    titles = {each.label: each.title for each in cover_types}
    shown = table.head(100)
    heads = [f"{row} {titles[label]}" for row, label in zip(shown["row"], shown["cover_type"], strict=True)]
    expect(visit.find(".predictions tbody th")).to_have_text(heads)
    expect(visit.find(".predictions tbody tr:nth-child(7) td")).to_have_text(
        [
            f"{100 * table['probability'][6]:.1f}%",
            *(f"{table[f'score_{each.slug}'][6]:.4f}" for each in cover_types),
        ]
    )
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download all predictions").click()
    assert download.value.suggested_filename == "new rows-predictions.csv"
    assert download.value.path().read_bytes() == answer


def test_a_chosen_file_with_wrong_rows_shows_what_is_wrong(
    own_service: Running, open_page: Opener, tmp_path: Path
) -> None:
    visit = open_page(own_service, refused=True)
    frame = pd.read_csv(io.BytesIO(rows_of(9))).astype({"Slope": object})
    frame.loc[3, "Slope"], frame.loc[5, "Wilderness_Area"] = 91, "<b>Nowhere</b>"
    frame.to_csv(tmp_path / "wrong.csv", index=False)
    problems = own_service.post("/predict", (tmp_path / "wrong.csv").read_bytes(), "text/csv").json()["problems"]
    chooser = visit.page.get_by_label("Drop a file anywhere on this page, or choose one")
    chooser.set_input_files(tmp_path / "wrong.csv")
    expect(visit.find("#file-status")).to_contain_text("wrong.csv was not scored: row 3: ")
    cells = [str(each[key]) for each in problems for key in ("row", "column", "reason")]
    assert len(cells) == 6
    expect(visit.find(".problems tbody td")).to_have_text(cells)
    (tmp_path / "large.csv").write_bytes(b"1" * ((1 << 20) + 1))
    chooser.set_input_files(tmp_path / "large.csv")
    expect(visit.find("#file-status")).to_have_text(
        "large.csv has 1 MiB, at most 1 MiB are allowed: send several files."
    )
    (tmp_path / "long.csv").write_bytes(rows_of(501))
    chooser.set_input_files(tmp_path / "long.csv")
    expect(visit.find("#file-status")).to_contain_text("long.csv was not scored: 501 rows, 500 are allowed")


def test_a_token_is_asked_for_and_kept_in_this_tab_only(version: ServedModel, open_page: Opener) -> None:
    with running(version, token=TOKEN) as service:
        visit = open_page(service, refused=True)
        given = visit.page.get_by_label("This service needs a token")
        expect(given).to_be_focused()
        expect(visit.find("#content")).to_be_hidden()
        for wrong in ("x" * 20, "größer als ☃"):
            given.fill(wrong)
            given.press("Enter")
            expect(visit.find("#failure")).to_have_text("The token is wrong.")
        given.fill(TOKEN)
        given.press("Enter")
        expect(visit.find("#bars tr.best")).to_have_count(1)
        expect(visit.find("#failure")).to_be_hidden()
        kept = "[Object.values(sessionStorage), Object.values(localStorage), document.cookie]"
        assert visit.page.evaluate(kept) == [[TOKEN], [], ""]
        for name, text in (("Open the report", "Model report"), ("Open the model card", "binary XGBoost models")):
            with visit.page.expect_popup() as opened:
                visit.page.get_by_role("link", name=name).click()
            expect(opened.value.locator("body")).to_contain_text(text)
            background = "getComputedStyle(document.body).fontFamily"
            assert "system-ui" in opened.value.evaluate(background)  # its style is allowed
        visit.page.get_by_role("button", name="Forget it").click()
        expect(given).to_be_focused()
        assert visit.page.evaluate("sessionStorage.length") == 0


def test_report_and_model_card_are_opened(own_service: Running, open_page: Opener) -> None:
    visit = open_page(own_service)
    for name, text in (("Open the report", "Model report"), ("Open the model card", "binary XGBoost models")):
        with visit.page.expect_popup() as opened:
            visit.page.get_by_role("link", name=name).click()
        expect(opened.value.locator("body")).to_contain_text(text)
        assert "system-ui" in opened.value.evaluate("getComputedStyle(document.body).fontFamily")


def test_another_version_is_noticed(own_service: Running, version: ServedModel, open_page: Opener) -> None:
    visit, row = open_page(own_service), defaults(own_service)
    visit.require_answer(row)
    try:
        own_service.holder.swap(dataclasses.replace(version, version="<i>v2</i>"))
        visit.page.get_by_label("Elevation").fill("2700")
        visit.require_answer({**row, "Elevation": 2700})
        expect(visit.find("#facts")).to_contain_text("<i>v2</i>")
        expect(visit.page.get_by_label("Elevation")).to_be_focused()
    finally:
        own_service.holder.swap(version)


def test_names_with_markup_are_text(hostile: Path, open_page: Opener) -> None:
    model = load_folder(hostile, "<img src=x onerror=alert(1)>")
    with running(model) as service:
        visit = open_page(service, refused=True)
        dialogs: list[str] = []

        def refuse(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        visit.page.on("dialog", refuse)
        row = defaults(service)
        visit.require_answer(row)
        assert visit.find(".field label").all_inner_texts() == COLUMNS
        visit.page.get_by_label(COLUMNS[0]).fill("0.25")
        visit.page.get_by_label(COLUMNS[-1]).select_option(label=CATEGORIES[1])
        changed = {**row, COLUMNS[0]: 0.25, COLUMNS[-1]: CATEGORIES[1]}
        visit.require_answer(changed)
        assert visit.find("#bars tbody th").all_inner_texts() == TITLES
        table = pd.DataFrame([changed, row, {**row, COLUMNS[0]: 5}])
        visit.drop("<b>rows</b>.csv", table.to_csv(index=False).encode())
        expect(visit.find("#file-status")).to_have_text(f"<b>rows</b>.csv: 3 rows scored by {model.version}.")
        labels = [each["cover_type"] for each in service.post("/predict", [changed, row]).json()["predictions"]]
        titles = [TITLES[LABELS.index(label)] for label in labels]
        assert [text[2:] for text in visit.find(".predictions tbody th").all_inner_texts()[:2]] == titles
        table.loc[1, COLUMNS[-1]] = "<script>alert(2)</script>"
        visit.drop("wrong.csv", table.to_csv(index=False).encode())
        expect(visit.find(".problems tbody td").nth(2)).to_contain_text("<script>alert(2)</script>")
        assert (
            visit.page.evaluate("document.querySelectorAll('main img, main script, main b:not(.track b)').length") == 0
        )
        assert dialogs == []
        report = visit.page.context.new_page()
        report.goto(service.url("/report"))
        expect(report.locator("h1")).to_have_text("unchanged")
        assert json.dumps(visit.errors).count("Blocked script execution") == 1  # by the policy of the report
        visit.errors.clear()


def test_a_report_that_is_opened_with_a_token_runs_no_script(hostile: Path, open_page: Opener) -> None:
    with running(load_folder(hostile, "first"), token=TOKEN) as service:
        visit = open_page(service, refused=True)
        visit.page.get_by_label("This service needs a token").fill(TOKEN)
        visit.page.get_by_role("button", name="Use it").click()
        with visit.page.expect_popup() as opened:
            visit.page.get_by_role("link", name="Open the report").click()
        expect(opened.value.locator("h1")).to_have_text("unchanged")
        (error,) = visit.errors
        assert "violates the following Content Security Policy directive" in error
        visit.errors.clear()


def test_an_answer_is_explained(hostile: Path, open_page: Opener) -> None:
    with running(load_folder(hostile, "first", explained_rows=1)) as service:
        visit, row = open_page(service), defaults(service)
        button = visit.page.get_by_role("button", name="Explain the answer")
        button.click()
        (found,) = service.post("/predict?explain=true", row).json()["predictions"][0]["explanations"].values()
        largest = sorted(found["contributions"].items(), key=lambda entry: -abs(entry[1]))
        expect(visit.find("#explanation th[scope=row]")).to_have_text([name for name, _ in largest])
        expect(visit.find("#explanation td:last-child")).to_have_text([f"{value:+.4f}" for _, value in largest])
        expect(visit.find("#explanation caption")).to_contain_text(f"with the base {found['base']:+.4f}, all")
        visit.page.get_by_label(COLUMNS[0]).fill("0.25")
        visit.require_answer({**row, COLUMNS[0]: 0.25})
        expect(visit.find("#explanation")).to_be_empty()


def test_a_phone_needs_no_scrolling_sideways(own_service: Running, open_page: Opener) -> None:
    visit = open_page(own_service, width=360)
    visit.require_answer(defaults(own_service))
    visit.drop("new.csv", rows_of(5))
    expect(visit.find(".predictions tbody tr")).to_have_count(5)
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 360
