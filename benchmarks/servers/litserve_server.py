"""LitServe with the classifier: one inference process a core, a picture a request.

python -m benchmarks.servers.litserve_server TASK PORT
"""

import os
import sys
from typing import Any

import litserve
from fastapi import Request

from benchmarks.servers.response import response
from models.catalog import BUNDLED
from models.loading import load_classifier
from models.prediction import Prediction


class ClassifierAPI(litserve.LitAPI):
    """`POST /predict` with a picture in the form field `file`."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task = task

    def setup(self, device: str) -> None:  # noqa: ARG002  (LitServe's name)
        """Load the model in an inference process."""
        self.classifier = load_classifier(BUNDLED / self.task, workers=1)

    def decode_request(self, request: Request) -> bytes:
        """Return the bytes of the picture. LitServe reads the type, and passes the fields of the form."""
        data: bytes = request["file"].file.read()
        return data

    def predict(self, x: bytes) -> Prediction:
        """Classify the picture."""
        return self.classifier.classify(x)

    def encode_response(self, output: Prediction) -> dict[str, Any]:
        """Return the JSON object."""
        return response(output)


def main(task: str, port: str) -> None:
    """Serve until SIGTERM."""
    cores = len(os.sched_getaffinity(0))
    server = litserve.LitServer(ClassifierAPI(task), accelerator="cpu", workers_per_device=cores)
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
