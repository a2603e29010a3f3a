"""The page in a real browser, used as a visitor would."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from models.tasks import presentation_of
from serving.i18n.language import Language
from serving.i18n.messages import MESSAGES
from tests.helpers.browser import Visit
from tests.helpers.project import example
from tests.helpers.server import Server

LOCALES: list[tuple[str, Language]] = [("es-ES", "es"), ("en-US", "en")]
TASKS = ("pneumonia", "digit", "flower")


def said(key: str, language: Language) -> str:
    return MESSAGES[key][language]


def title(task: str, language: Language) -> str:
    return presentation_of(task).title.in_language(language)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def upload(page: Page, task: str, picture: Path) -> None:
    page.locator(f"#{task}-picture input[type=file]").set_input_files(picture)


def names(server: Server, task: str, language: Language) -> set[str]:
    model: dict[str, Any] = httpx.get(f"{server.url}/models/{task}").json()
    return {label[language] for label in model["labels"]}


def draw(page: Page, *points: tuple[float, float]) -> None:
    """One stroke through `points`, in shares of the sheet's side."""
    sheet = page.locator("#digit-canvas canvas")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=10)
    page.mouse.up()


@pytest.mark.parametrize(("locale", "language"), LOCALES)
@pytest.mark.parametrize("task", TASKS)
def test_a_picture_is_answered_in_the_visitors_language(
    visit: Visit, server: Server, task: str, locale: str, language: Language
) -> None:
    page = visit(server, locale)
    open_tab(page, title(task, language))
    if task == "digit":
        open_tab(page, said("upload", language))
    shown = page.locator(f"#{task}-answer")
    expect(shown).to_contain_text(said("waiting", language))
    upload(page, task, example(task))

    label = shown.locator(".label")
    label.wait_for()
    known = names(server, task, language)
    assert label.inner_text() in known
    rows = shown.locator("ol.top li")
    assert rows.count() == min(3, len(known))
    for row in rows.all():
        name, confidence = (
            row.locator(":scope > span").first.inner_text(),
            row.locator(":scope > span").last.inner_text(),
        )
        assert name in known
        assert confidence.endswith("\u00a0%" if language == "es" else "%")
    assert shown.locator(".verdict").inner_text() in (said("confident", language), said("uncertain", language))

    shown.locator("summary").click()
    picture = shown.locator("details img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_the_disclaimer_stands_there_before_and_after_an_answer(
    visit: Visit, server: Server, locale: str, language: Language
) -> None:
    presentation = presentation_of("pneumonia")
    assert presentation.disclaimer is not None
    assert presentation.caution is not None
    page = visit(server, locale)
    open_tab(page, title("pneumonia", language))
    disclaimer = page.locator(".disclaimer")
    expect(disclaimer).to_have_text(presentation.disclaimer.in_language(language))
    upload(page, "pneumonia", example("pneumonia"))
    page.locator("#pneumonia-answer .label").wait_for()
    expect(disclaimer).to_be_visible()
    expect(page.locator("#pneumonia-answer .caution")).to_have_text(presentation.caution.in_language(language))


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_a_drawing_is_answered_as_soon_as_the_pen_is_lifted(
    visit: Visit, server: Server, locale: str, language: Language
) -> None:
    page = visit(server, locale)
    open_tab(page, title("digit", language))
    page.locator("#digit-canvas canvas").wait_for()
    draw(page, (0.5, 0.2), (0.5, 0.8))
    shown = page.locator("#digit-answer")
    shown.locator(".label").wait_for()
    assert shown.locator(".label").inner_text() == "1"

    page.get_by_role("button", name=said("wipe", language)).click()
    expect(shown).to_contain_text(said("waiting", language))
    draw(page, (0.5, 0.2), (0.3, 0.35), (0.3, 0.65), (0.5, 0.8), (0.7, 0.65), (0.7, 0.35), (0.5, 0.2))
    expect(shown.locator(".label")).to_have_text("0")


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_an_empty_sheet_is_no_digit(visit: Visit, server: Server, locale: str, language: Language) -> None:
    page = visit(server, locale)
    open_tab(page, title("digit", language))
    page.get_by_role("button", name=said("read", language), exact=True).click()
    shown = page.locator("#digit-answer")
    expect(shown).to_contain_text(said("blank", language))
    expect(shown.locator(".verdict")).to_have_text(said("rejected", language))
    assert shown.locator(".label, ol.top").count() == 0


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_a_bad_upload_is_told_and_the_next_good_one_answered(
    visit: Visit, server: Server, tmp_path: Path, locale: str, language: Language
) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    page = visit(server, locale)
    open_tab(page, title("flower", language))
    upload(page, "flower", text)
    shown = page.locator("#flower-answer")
    expect(shown.get_by_role("alert")).to_have_text(said("unsupported_type", language))

    page.locator("#flower-picture").get_by_role("button", name="Remove Image").click()
    expect(shown).to_contain_text(said("waiting", language))
    upload(page, "flower", example("flower"))
    shown.locator(".label").wait_for()


@pytest.mark.parametrize(("locale", "language"), LOCALES)
@pytest.mark.parametrize("size", [20_000_001, 21_000_000])  # within the envelope of a request, and beyond it
def test_too_large_a_file_is_told_in_the_visitors_language(
    visit: Visit, server: Server, tmp_path: Path, size: int, locale: str, language: Language
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(size))
    page = visit(server, locale)
    open_tab(page, title("flower", language))
    upload(page, "flower", large)
    page.get_by_text(said("too_large", language).format(megabytes=20)).wait_for()


def test_an_example_is_answered_when_it_is_chosen(visit: Visit, server: Server) -> None:
    page = visit(server)
    open_tab(page, title("flower", "es"))
    page.locator("#flower-examples img").first.click()
    page.locator("#flower-answer .label").wait_for()


def test_who_asks_for_neither_language_gets_spanish_throughout(visit: Visit, server: Server) -> None:
    page = visit(server, "fr-FR")
    open_tab(page, title("flower", "es"))
    upload(page, "flower", example("flower"))
    page.locator("#flower-answer .label").wait_for()
    assert page.locator("#flower-answer .label").inner_text() in names(server, "flower", "es")
    expect(page.locator("footer.bottom")).to_contain_text(said("privacy", "es"))
    expect(page.locator("footer.bottom")).to_contain_text(f"{server.url}/predict")


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_the_tab_of_a_damaged_model_says_so(visit: Visit, damaged: Server, locale: str, language: Language) -> None:
    page = visit(damaged, locale)
    open_tab(page, title("flower", language))
    expect(page.locator("#flower-answer")).to_have_text(said("tab_unavailable", language))
    assert page.locator("#flower-picture").count() == 0

    open_tab(page, "Fourth")
    upload(page, "fourth", example("digit"))
    page.locator("#fourth-answer .label").wait_for()


@pytest.mark.parametrize(("locale", "language"), LOCALES)
def test_a_classifier_of_ones_own_has_a_tab(visit: Visit, own: Server, locale: str, language: Language) -> None:
    page = visit(own, locale)
    open_tab(page, "Mis rosas")
    expect(page.locator("#mis-rosas-tab .intro")).to_contain_text("Rosa ñ3 <b>")
    upload(page, "mis-rosas", example("digit", 1))
    shown = page.locator("#mis-rosas-answer")
    expect(shown.locator(".label")).to_have_text("Rosa ñ3 <b>")
    assert shown.locator(".verdict").inner_text() == said("confident", language)

    open_tab(page, "Torn")
    expect(page.locator("#torn-answer")).to_have_text(said("tab_unavailable", language))
    assert page.get_by_role("tab").count() == 5, "the run for digits has none of its own"


def test_a_phone_needs_no_sideways_scrolling(visit: Visit, server: Server) -> None:
    page = visit(server, width=390, height=844)
    for task in TASKS:
        open_tab(page, title(task, "es"))
        page.locator(f"#{task}-answer").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    open_tab(page, title("digit", "es"))
    draw(page, (0.5, 0.2), (0.5, 0.8))
    page.locator("#digit-answer .label").wait_for()
