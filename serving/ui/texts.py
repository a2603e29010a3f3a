"""Static texts of the page, in the language of each visitor.

Gradio translates in the browser, by keys, and falls back to English for unknown languages. The page is therefore sent
one dictionary, under `en`, already in the language that the request prefers. The rule is the API's: a French visitor
gets Spanish or English, and static and dynamic texts have the same language.
"""

from collections.abc import Callable
from functools import partial

import gradio as gr
from gradio.i18n import I18nData

from serving.i18n.language import Language
from serving.i18n.messages import text

Make = Callable[[Language], str]


class Texts:
    """The static texts of the page, collected while its tabs are built."""

    def __init__(self) -> None:
        self._makers: dict[str, Make] = {}

    def message(self, key: str) -> I18nData:
        """Add a message of the catalogue."""
        return self.add(key, partial(text, key))

    def add(self, name: str, make: Make) -> I18nData:
        """Add a text or HTML that `make` composes for a language. `name` must be unique on the page."""
        self._makers[f"vistazo_{name}"] = make
        return I18nData(f"vistazo_{name}")

    def in_language(self, language: Language) -> dict[str, str]:
        """Return all texts, by key."""
        return {name: make(language) for name, make in self._makers.items()}


class Translations(gr.I18n):
    """The dictionary that Gradio sends to the browser: `current` is called for each request."""

    def __init__(self, current: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._current = current

    @property
    def translations_dict(self) -> dict[str, dict[str, str]]:
        """One dictionary for every visitor, under `en`."""
        return {"en": self._current()}
