"""One trained model: bytes → decode → preprocess → engine → calibrate → verdict → `Prediction`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import unpack
from models.bundle import BundleInfo
from models.cam import class_activation_map
from models.engines.engine import Engine, Outputs
from models.errors import ModelNotLoaded
from models.images.decoding import DEFAULT_LIMITS, Limits
from models.images.preprocessing import Prepared, prepare
from models.ood import FeatureSpace
from models.prediction import Prediction, Reason, Verdict


class Classifier:
    """A bundle's description and an engine that runs its network. Every method may be called from any thread.

    `prepare` and `predict` are separate steps: decoding and inference can run in different places, and `predict` takes
    a batch. `classify` does both for one picture.
    """

    def __init__(self, info: BundleInfo, engine: Engine, revision: str) -> None:
        self.info = info
        self.revision = revision
        self._engine = engine
        self._feature_space = FeatureSpace.of(info.rejection) if info.rejection else None
        self._head = unpack(info.head).reshape(len(info.labels), -1) if info.head else None

    @property
    def task(self) -> str:
        """The name of the model's task."""
        return self.info.task

    @property
    def engine_name(self) -> str:
        """The name of the engine that runs the network."""
        return self._engine.name

    def classify(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Prediction:
        """Classify one picture, given as the bytes of its file.

        Raises PictureError when the bytes are not a picture that can be decoded within `limits`.
        """
        return self.predict([self.prepare(data, limits)])[0]

    def prepare(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Prepared:
        """Decode and preprocess one picture to the network's input. Raises PictureError."""
        return prepare(data, self.info.preprocessing, self.info.input, limits)

    def predict(self, batch: Sequence[Prepared]) -> list[Prediction]:
        """Classify a batch of prepared pictures, in order.

        A picture gets the same prediction in a batch as alone. A picture without pixels is rejected without inference.
        Raises ModelNotLoaded when the network gives numbers that are not finite.
        """
        pixels = [prepared.pixels for prepared in batch if prepared.pixels is not None]
        outputs = self._engine.infer(np.stack(pixels)) if pixels else None
        row = iter(range(len(pixels)))
        return [
            self._rejected_unseen(prepared)
            if outputs is None or prepared.pixels is None
            else self._judge(prepared, outputs, next(row))
            for prepared in batch
        ]

    def _rejected_unseen(self, prepared: Prepared) -> Prediction:
        labels = self.info.label_ids
        uniform = (1 / len(labels),) * len(labels)
        return Prediction(self.task, labels, uniform, Verdict.REJECTED, None, prepared.reason)

    def _judge(self, prepared: Prepared, outputs: Outputs, row: int) -> Prediction:
        probabilities = softmax(outputs.logits[row] / self.info.temperature)
        index = self._predicted_index(probabilities)
        doubt = prepared.reason or (Reason.WEAK_SIGNAL if index != np.argmax(probabilities) else None)
        rejected = doubt is Reason.UNFAMILIAR or self._is_out_of_distribution(probabilities, outputs.features[row])
        verdict, reason = self._verdict(float(probabilities[index]), doubt, rejected)
        activation_map = (
            None if self._head is None else class_activation_map(outputs.feature_map[row], self._head[index])
        )
        for values in (probabilities, outputs.features[row], activation_map):
            if values is not None and not np.isfinite(values).all():
                raise ModelNotLoaded(self.task, "its network gives numbers that are not finite; export it again")
        return Prediction(
            task=self.task,
            labels=self.info.label_ids,
            probabilities=tuple(float(p) for p in probabilities),
            verdict=verdict,
            index=None if verdict is Verdict.REJECTED else index,
            reason=reason,
            pixels=prepared.pixels,
            activation_map=activation_map,
        )

    def _predicted_index(self, probabilities: NDArray[np.float64]) -> int:
        operating = self.info.thresholds.operating
        if operating is None:
            return int(np.argmax(probabilities))
        positive = self.info.label_ids.index(operating.label)
        return positive if probabilities[positive] >= operating.probability else 1 - positive

    def _is_out_of_distribution(self, probabilities: NDArray[np.float64], features: NDArray[np.float32]) -> bool:
        if probabilities.max() < self.info.thresholds.rejected:
            return True
        rejection, space = self.info.rejection, self._feature_space
        return space is not None and rejection is not None and space.score(features) > rejection.threshold

    def _verdict(self, confidence: float, doubt: Reason | None, rejected: bool) -> tuple[Verdict, Reason | None]:
        if rejected:
            return Verdict.REJECTED, Reason.UNFAMILIAR
        if doubt is not None:
            return Verdict.UNCERTAIN, doubt
        if confidence < self.info.thresholds.confident:
            return Verdict.UNCERTAIN, Reason.LOW_CONFIDENCE
        return Verdict.CONFIDENT, None


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probabilities of `(K,)` or `(B, K)` logits, in float64 so that the printed values sum to 1."""
    exponents = np.exp(logits.astype(np.float64) - np.max(logits, axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), dtype=np.float64)
