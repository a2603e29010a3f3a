"""The page: header, one tab a task, footer, and the named endpoints for Gradio's clients."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI
from gradio.data_classes import BlocksConfigDict

from models.catalog import Entry
from serving.api.exception_handlers import page_not_found
from serving.i18n.language import Language
from serving.middleware.request_context import request_language
from serving.service import Service
from serving.ui import cards
from serving.ui.tabs import digit, upload
from serving.ui.tabs.tab import Tab, add_disclaimer, add_endpoint
from serving.ui.texts import Texts, Translations
from serving.ui.uploads import AGE_S, UploadFolder, add_route, prepare_directory

CSS = Path(__file__).parent / "page.css"
CACHE_SWEEP_S = 30  # between two sweeps of Gradio's own cache
# Gradio's queue polls every millisecond for events, and ten times a second for progress, which the page does not have.
# That costs 4 % of a core when nobody is there.
QUEUE_POLL_S, PROGRESS_POLL_S = 0.05, 1.0

# Tasks with a tab of their own; every other task gets the generic upload tab.
_TABS: dict[str, Callable[[Tab], None]] = {"digit": digit.build}


class Page(gr.Blocks):
    """Gradio's app, with static texts in the language of each request."""

    def __init__(self, texts: Texts) -> None:
        self._config: dict[str, Any] = {}
        self._translations = Translations(lambda: texts.in_language(request_language.get()))
        super().__init__(
            title="Vistazo",
            analytics_enabled=False,
            delete_cache=(CACHE_SWEEP_S, AGE_S),
        )
        self.i18n_instance = self._translations

    @property
    def config(self) -> BlocksConfigDict:
        """The configuration for the browser, which Gradio reads for each request."""
        # With the limit the browser would refuse a large file, in English only. The server refuses in both languages.
        changes = {"i18n_translations": self._translations.translations_dict, "max_file_size": None}
        return cast(BlocksConfigDict, self._config | changes)

    @config.setter
    def config(self, value: BlocksConfigDict) -> None:
        self._config = dict(value)


def build(service: Service, address: str) -> Page:
    """Return the page for the models of `service`, which people reach at `address`."""
    texts = Texts()
    page = Page(texts)
    with page:
        gr.HTML(texts.add("header", _header))
        with gr.Tabs():
            for entry in service.catalog.entries:
                label = texts.add(f"{entry.task}_title", entry.presentation.title.in_language)
                with gr.Tab(label, elem_id=f"{entry.task}-tab", id=entry.task):
                    _fill(entry, service, texts)
        gr.HTML(texts.add("footer", lambda language: _footer(language, address)))
        for task in service.tasks:
            add_endpoint(service, task)
    # The service's own queue is the limit, because the REST API shares it. Gradio's queue is only a second bound.
    slots = service.settings.queue + 64
    page.queue(max_size=2 * slots, default_concurrency_limit=slots)
    page._queue.sleep_when_free = QUEUE_POLL_S
    page._queue.progress_update_sleep_when_free = PROGRESS_POLL_S
    # Only `launch` sets this. Without it Gradio accepts any path of this machine as an upload (gradio 6.31,
    # processing_utils._check_allowed): a visitor could have our files classified.
    page.has_launched = True
    return page


def mount(app: FastAPI, service: Service, address: str, port: int, max_upload_bytes: int) -> None:
    """Mount the page on `app` at `/`. Its uploads are kept in a folder that belongs to `port`."""
    folder = UploadFolder(prepare_directory(port))
    page = build(service, address)
    add_route(app, folder, max_upload_bytes, page.upload_file_set)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        app_kwargs={"exception_handlers": {404: page_not_found}},
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=max_upload_bytes,  # above our own limit, because Gradio's message is in English only
        ssr_mode=False,
        theme=_theme(),
        css_paths=CSS,
    )


def _theme() -> gr.themes.Base:
    """Return a calm, light theme with the visitor's own fonts: nothing is loaded from other hosts."""
    return gr.themes.Soft(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_600",  # Soft's own is too pale for small print
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
    )


def _fill(entry: Entry, service: Service, texts: Texts) -> None:
    if entry.loaded is None:
        add_disclaimer(entry.task, entry.presentation, texts)
        gr.HTML(texts.add("unavailable_card", cards.unavailable_card), elem_id=f"{entry.task}-answer")
        return
    _TABS.get(entry.task, upload.build)(Tab(entry.task, service, texts))


def _header(language: Language) -> str:
    return f'<header class="top"><h1>Vistazo</h1><p>{cards.message("tagline", language)}</p></header>'


def _footer(language: Language, address: str) -> str:
    curl = f'curl -F "file=@imagen.png" {address}/predict'
    return (
        f'<footer class="bottom"><p>{cards.message("privacy", language)}</p>'
        f"<p>{cards.message('from_terminal', language)} <code>{escape(curl)}</code></p>"
        f'<p><a href="docs">{cards.message("api_docs", language)}</a></p></footer>'
    )
