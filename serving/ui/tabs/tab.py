"""What the tabs share: where a picture comes in, where its answer comes out, and the way between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from models.bundle import BundleInfo
from serving.api import schemas
from serving.errors import ApiError, MissingFile
from serving.i18n.language import Language, preferred
from serving.middleware.request_context import new_id
from serving.samples import examples
from serving.service import Service
from serving.ui import cards
from serving.ui.components import Picture, Upload
from serving.ui.texts import Texts

Show = Callable[..., Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab under construction."""

    task: str
    service: Service
    say: Texts

    @property
    def info(self) -> BundleInfo:
        """Of the model that is served now: it may be another one than when the tab was made."""
        return self.service.find(self.task).info

    def upload(self, intro: str) -> None:
        """A whole tab: the intro, a picture to upload on one side, its answer on the other."""
        self.intro(intro)
        with gr.Row():
            with gr.Column():
                picture = self.picture()
                self.examples(picture)
            with gr.Column():
                shown = self.answer()
        picture.change(self.show(), picture, shown, api_visibility="private", show_progress="minimal")

    def intro(self, key: str) -> None:
        """What the visitor should do here."""

        def make(language: Language) -> str:
            named = cards.some_names(self.info, language)
            return f'<p class="intro">{cards.sentence(key, language, labels=named)}</p>'

        gr.HTML(self.say.made(f"{self.task}_intro", make))

    def picture(self) -> Picture:
        """Where a picture is uploaded; it is classified as soon as it is there."""
        return Picture(
            label=self.say("upload_label"),
            placeholder=self.say("upload_hint"),  # type: ignore[arg-type]
            sources=["upload", "clipboard"],
            type="filepath",
            image_mode=None,
            buttons=["fullscreen"],
            height=360,
            elem_id=f"{self.task}-picture",
        )

    def examples(self, picture: Picture) -> None:
        """Pictures to try, where there are any for this task."""
        found = examples(self.task)
        if found:
            gr.Examples(
                [str(path) for path in found],
                picture,
                label=self.say("examples"),
                elem_id=f"{self.task}-examples",
                api_visibility="private",
            )

    def answer(self) -> gr.HTML:
        """Where the answer appears, above what is known of the model."""
        shown = gr.HTML(self.say.made("waiting_card", cards.waiting_card), elem_id=f"{self.task}-answer")
        gr.HTML(self.say.made(f"{self.task}_about", self._about))
        return shown

    def _about(self, language: Language) -> str:
        return cards.about(self.info, language)

    def show(self) -> Show:
        """The function of this tab's events: picture → card."""

        async def show(picture: Path | bytes | None, request: gr.Request) -> str:
            language = preferred(request.headers.get("accept-language"))
            if picture is None:
                return cards.waiting_card(language)
            try:
                classifier = self.service.find(self.task)
                prediction, _ = await self.service.classify(classifier, picture, new_id())
            except ApiError as error:
                return cards.error_card(error, language)
            return await asyncio.to_thread(cards.prediction_card, prediction, classifier.info, language)

        return show


def endpoint(service: Service, task: str) -> None:
    """The named endpoint for Gradio's clients: takes a file, answers the JSON of `POST /predict/{task}`."""

    async def classify(file: Path | None, request: gr.Request) -> dict[str, Any]:
        language, request_id = preferred(request.headers.get("accept-language")), new_id()
        try:
            if file is None:
                raise MissingFile
            classifier = service.find(task)
            prediction, elapsed_ms = await service.classify(classifier, file, request_id)
        except ApiError as error:
            raise gr.Error(error.sentence(language), print_exception=False) from error
        return schemas.answer(prediction, schemas.About(schemas.model_of(classifier), language, request_id, elapsed_ms))

    file = Upload(visible=False)
    gr.Button(visible=False).click(
        classify, file, gr.JSON(visible=False), api_name=task, api_description=f"The JSON of POST /predict/{task}."
    )
