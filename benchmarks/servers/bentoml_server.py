"""BentoML with the classifier: one worker process a core.

TASK=digit python -m bentoml serve benchmarks.servers.bentoml_server:ClassifierService
"""

import os
from pathlib import Path
from typing import Any

import bentoml

from benchmarks.servers.response import response
from models.catalog import BUNDLED
from models.loading import load_classifier


@bentoml.service(workers="cpu_count", logging={"access": {"enabled": False}})
class ClassifierService:
    """`POST /predict` with a picture in the form field `file`."""

    def __init__(self) -> None:
        self.classifier = load_classifier(BUNDLED / os.environ["TASK"], workers=1)

    @bentoml.api
    def predict(self, file: Path) -> dict[str, Any]:
        """Classify the picture."""
        return response(self.classifier.classify(file.read_bytes()))
