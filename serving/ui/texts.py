"""Static texts of the page, in the language of each visitor.

Gradio translates in the browser, by keys, and falls back to English for a language that it was not given. So the page
is sent one dictionary, under `en`, already in the language that the request prefers: a French visitor gets Spanish or
English by the same rule as in the API, and static and dynamic texts never differ.
"""

from collections.abc import Callable
from functools import partial

import gradio as gr
from gradio.i18n import I18nData

from serving.i18n.language import Language
from serving.i18n.messages import text

Make = Callable[[Language], str]


class Texts:
    """Collects what the page says while its tabs are being built."""

    def __init__(self) -> None:
        self._makers: dict[str, Make] = {}

    def __call__(self, key: str) -> I18nData:
        """A message of the catalogue."""
        return self.made(key, partial(text, key))

    def made(self, name: str, make: Make) -> I18nData:
        """A text or HTML that `make` composes for a language; `name` must be unique on the page."""
        self._makers[f"vistazo_{name}"] = make
        return I18nData(f"vistazo_{name}")

    def in_language(self, language: Language) -> dict[str, str]:
        """Everything said so far, by key."""
        return {name: make(language) for name, make in self._makers.items()}


class Translations(gr.I18n):
    """What Gradio sends to the browser: `current` is asked anew for each request."""

    def __init__(self, current: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._current = current

    @property
    def translations_dict(self) -> dict[str, dict[str, str]]:
        """One dictionary for every visitor; see above."""
        return {"en": self._current()}
