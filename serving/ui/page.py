"""The page as a whole: header, one tab a task, footer, and the named endpoints for Gradio's clients."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.data_classes import BlocksConfigDict

from models.catalog import Entry
from serving.api import schemas
from serving.i18n.language import Language
from serving.middleware.request_context import language_of_request
from serving.service import Service
from serving.ui import cards
from serving.ui.tabs import digit, pneumonia, tab, upload
from serving.ui.texts import Texts, Translations

CSS = Path(__file__).parent / "page.css"
# Uploads of the page stay in Gradio's cache until they are this old, in seconds: a visitor may want the same picture
# judged again, nobody wants it kept.
CACHE_CHECK_S, CACHE_AGE_S = 30, 120

_TABS: dict[str, Callable[[tab.Tab], None]] = {
    "pneumonia": pneumonia.build,
    "digit": digit.build,
    "flower": upload.build,
}


class Page(gr.Blocks):
    """Gradio's app, whose static texts follow the language of each request."""

    def __init__(self, say: Texts) -> None:
        self._config: dict[str, Any] = {}
        self._translations = Translations(lambda: say.in_language(language_of_request.get()))
        super().__init__(
            title="Vistazo",
            analytics_enabled=False,
            delete_cache=(CACHE_CHECK_S, CACHE_AGE_S),
        )
        self.i18n_instance = self._translations

    @property
    def config(self) -> BlocksConfigDict:
        """What the browser is sent: Gradio reads it for each request."""
        # Told the limit, the browser would refuse a large file itself, in English: the server does, in both languages.
        own = {"i18n_translations": self._translations.translations_dict, "max_file_size": None}
        return cast(BlocksConfigDict, self._config | own)

    @config.setter
    def config(self, value: BlocksConfigDict) -> None:
        self._config = dict(value)


def build(service: Service, address: str) -> Page:
    """The page for the models of `service`, which people reach at `address`."""
    say = Texts()
    page = Page(say)
    with page:
        gr.HTML(say.made("header", _header))
        with gr.Tabs():
            for entry in service.catalog.entries:
                label = say(entry.task) if entry.task in _TABS else _title(entry.task)
                with gr.Tab(label, elem_id=f"{entry.task}-tab", id=entry.task):
                    _fill(entry, service, say)
        gr.HTML(say.made("footer", lambda language: _footer(language, address)))
        for task in service.tasks:
            tab.endpoint(service, task)
    # The runner's queue is the one that counts, since the REST routes share it: here only a backstop.
    places = service.settings.queue + 64
    page.queue(max_size=2 * places, default_concurrency_limit=places)
    # Only `launch` sets this. Without it Gradio takes any path of this machine for an upload (gradio 6.31,
    # processing_utils._check_allowed), and a visitor could have our files classified.
    page.has_launched = True
    return page


def theme() -> gr.themes.Base:
    """Calm and light, with the fonts that the visitor has: nothing is loaded from elsewhere."""
    return gr.themes.Soft(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_600",  # Soft's own is too faint for small print
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
    )


def _title(task: str) -> str:
    """A task of a person's own has no name but the one in its address: mis-aves → Mis aves."""
    return task.replace("-", " ").replace("_", " ").capitalize()


def _fill(entry: Entry, service: Service, say: Texts) -> None:
    if entry.classifier is None:
        if entry.task == schemas.DISCLAIMED:
            gr.HTML(say.made("disclaimer_card", cards.disclaimer))
        gr.HTML(say.made("unavailable_card", cards.unavailable_card), elem_id=f"{entry.task}-answer")
        return
    build_tab = _TABS.get(entry.task, upload.build)
    build_tab(tab.Tab(entry.task, service, say))


def _header(language: Language) -> str:
    return f'<header class="top"><h1>Vistazo</h1><p>{cards.sentence("tagline", language)}</p></header>'


def _footer(language: Language, address: str) -> str:
    curl = f'curl -F "file=@imagen.png" {address}/predict'
    return (
        f'<footer class="bottom"><p>{cards.sentence("privacy", language)}</p>'
        f"<p>{cards.sentence('from_terminal', language)} <code>{escape(curl)}</code></p>"
        f'<p><a href="docs">{cards.sentence("api_docs", language)}</a></p></footer>'
    )
