"""Flask with `model.predict` for each request, as most demos of Keras models do, on Waitress with its four threads.

    python -m benchmarks.servers.flask_server TASK PORT

The included models have no Keras files. The network has the architecture of the task's recipe and random weights: its
labels are wrong, but its speed does not depend on the weights. Pictures are decoded and preprocessed by the same code
as in the other servers.
"""

import sys
from typing import Any

import numpy as np
import waitress
from flask import Flask, request

from benchmarks.servers.random_network import random_network
from benchmarks.servers.response import response
from models.catalog import BUNDLED
from models.classifier import softmax
from models.loading import load_classifier
from models.prediction import Prediction, Verdict

app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, Any]:
    """Classify the picture in the form field `file`."""
    prepared = classifier.prepare(request.files["file"].read())
    logits = network.predict(np.asarray(prepared.pixels)[np.newaxis], verbose=0)[0]
    probabilities = softmax(logits)
    index, labels = int(np.argmax(probabilities)), classifier.info.label_ids
    return response(Prediction(classifier.task, labels, tuple(map(float, probabilities)), Verdict.CONFIDENT, index))


if __name__ == "__main__":
    task, port = sys.argv[1:]
    classifier = load_classifier(BUNDLED / task, workers=1)  # for its preprocessing and labels
    network = random_network(task)
    waitress.serve(app, host="127.0.0.1", port=int(port), threads=4)
