"""The response of the servers: the fields of `POST /predict` that come from the prediction."""

from typing import Any

from models.prediction import Prediction


def response(prediction: Prediction) -> dict[str, Any]:
    """Return the JSON object of a prediction."""
    return {
        "class": prediction.index,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": prediction.probabilities,
        "labels": prediction.labels,
        "top": [{"label": label, "confidence": confidence} for label, confidence in prediction.top()],
        "verdict": prediction.verdict,
        "reason": prediction.reason,
    }
