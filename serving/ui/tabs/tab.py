"""The parts that all tabs share: heading, picture input, prediction output, and the function between them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from models.bundle import BundleInfo, Presentation
from models.errors import VistazoError
from serving.api import responses
from serving.errors import MissingFile, sentence
from serving.events import Caller, Channel
from serving.i18n.language import Language, preferred
from serving.middleware.request_context import new_request_id
from serving.samples import example_pictures
from serving.service import Service
from serving.ui import cards
from serving.ui.components import Picture, Upload
from serving.ui.texts import Texts

Classify = Callable[..., Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Tab:
    """The tab of one task, while it is laid out."""

    task: str
    service: Service
    texts: Texts

    @property
    def info(self) -> BundleInfo:
        """The description of the model that is served now, which may be newer than the tab."""
        return self.service.find(self.task).info

    def heading(self) -> None:
        """Add the disclaimer, if the task has one, and the introduction."""
        presentation = self.service.catalog.entry(self.task).presentation
        add_disclaimer(self.task, presentation, self.texts)
        intro = presentation.intro
        gr.HTML(self.texts.add(f"{self.task}_intro", lambda language: cards.intro(intro, self.info, language)))

    def picture_input(self) -> Picture:
        """Add the input for a picture. It is classified as soon as it is uploaded."""
        return Picture(
            label=self.texts.message("upload_label"),
            placeholder=self.texts.message("upload_hint"),  # type: ignore[arg-type]
            sources=["upload", "clipboard"],
            type="filepath",
            image_mode=None,
            buttons=["fullscreen"],
            height=360,
            elem_id=f"{self.task}-picture",
        )

    def examples(self, picture: Picture) -> None:
        """Add the example pictures of the task, if there are any."""
        paths = example_pictures(self.task)
        if paths:
            gr.Examples(
                [str(path) for path in paths],
                picture,
                label=self.texts.message("examples"),
                elem_id=f"{self.task}-examples",
                api_visibility="private",
            )

    def output(self) -> gr.HTML:
        """Add the output for the prediction, and the test results of the model."""
        output = gr.HTML(self.texts.add("waiting_card", cards.waiting_card), elem_id=f"{self.task}-answer")
        gr.HTML(self.texts.add(f"{self.task}_about", lambda language: cards.about(self.info, language)))
        return output

    def classify(self) -> Classify:
        """Return the function of this tab's events: a picture in, the HTML of its prediction out."""

        async def classify(picture: Path | bytes | None, request: gr.Request) -> str:
            caller = _caller(request, "page")
            if picture is None:
                return cards.waiting_card(caller.language)
            try:
                model = self.service.find(self.task)
                result = await self.service.classify(model, picture, caller, with_maps=True)
            except VistazoError as error:
                return cards.error_card(error, caller.language)
            return await asyncio.to_thread(cards.prediction_card, result.prediction, model.info, caller.language)

        return classify


def add_disclaimer(task: str, presentation: Presentation, texts: Texts) -> None:
    """Add the disclaimer of a task, if it has one."""
    disclaimer = presentation.disclaimer
    if disclaimer:
        gr.HTML(texts.add(f"{task}_disclaimer", lambda language: cards.disclaimer(disclaimer, language)))


def add_endpoint(service: Service, task: str) -> None:
    """Add the named endpoint for Gradio's clients: a file in, the JSON of `POST /predict/{task}` out."""

    async def classify(file: Path | None, request: gr.Request) -> dict[str, Any]:
        caller = _caller(request, "client")
        try:
            if file is None:
                raise MissingFile
            model = service.find(task)
            result = await service.classify(model, file, caller)
        except VistazoError as error:
            raise gr.Error(sentence(error, caller.language), print_exception=False) from error
        return responses.prediction(result, model, caller)

    file = Upload(visible=False)
    gr.Button(visible=False).click(
        classify, file, gr.JSON(visible=False), api_name=task, api_description=f"The JSON of POST /predict/{task}."
    )


def _caller(request: gr.Request, channel: Channel) -> Caller:
    language: Language = preferred(request.headers.get("accept-language"))
    origin = request.session_hash or (request.client.host if request.client else "")
    return Caller(new_request_id(), language, channel, origin)
