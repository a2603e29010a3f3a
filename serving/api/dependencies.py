"""Dependencies of the routes: the service, the reloader, the caller. Async, since FastAPI runs others in threads."""

from typing import Annotated

from fastapi import Depends, Request

from models.classifier import Classifier
from serving.events import Caller
from serving.middleware.request_context import request_id, request_language
from serving.reload import Reloader
from serving.service import Service


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _reloader(request: Request) -> Reloader:
    reloader: Reloader = request.app.state.reloader
    return reloader


async def _caller() -> Caller:
    return Caller(request_id.get(), request_language.get(), "api")


CurrentService = Annotated[Service, Depends(_service)]
CurrentReloader = Annotated[Reloader, Depends(_reloader)]
CurrentCaller = Annotated[Caller, Depends(_caller)]


async def _default_classifier(service: CurrentService) -> Classifier:
    return service.find(service.default_task)


async def _named_classifier(service: CurrentService, task: str) -> Classifier:
    return service.find(task)


# Found before the body is read: an unknown task is refused without an upload.
DefaultClassifier = Annotated[Classifier, Depends(_default_classifier)]
NamedClassifier = Annotated[Classifier, Depends(_named_classifier)]
