"""One trained model, ready to answer: bytes → decode → preprocess → engine → calibrate → verdict → Prediction."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import bundle
from models.bundle import BundleInfo
from models.engines.litert import LiteRTEngine
from models.images.decoding import DEFAULT_LIMITS, Limits, decode
from models.images.preprocessing import Prepared, preprocess
from models.ood import FeatureSpace, unpack
from models.prediction import Prediction, Reason, Verdict


def default_workers() -> int:
    """Interpreters a model gets: one for each core that this process may use, within reason.

    Each holds a copy of the network's arithmetic (30 MB for flowers), and Python's own share of the work does not
    grow with cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


class Classifier:
    """A verified bundle and its engine. Every method may be called from any thread."""

    def __init__(self, info: BundleInfo, engine: LiteRTEngine, revision: str) -> None:
        self.info = info
        self.revision = revision
        self._engine = engine
        self._space = FeatureSpace.of(info.rejection) if info.rejection else None
        self._head = unpack(info.head).reshape(len(info.labels), -1) if info.head else None

    @classmethod
    def load(cls, directory: Path, workers: int | None = None, revision: str | None = None) -> "Classifier":
        """Check the bundle in `directory` and load it with `workers` interpreters (default: one a core).

        `revision` is how answers name it (default: the SHA-256 of its `vistazo.json`).
        Raises BundleError when something does not check out.
        """
        info = bundle.load(directory)
        engine = LiteRTEngine(directory / bundle.MODEL_NAME, workers or default_workers())
        return cls(info, engine, revision or bundle.describe_file(directory / bundle.INFO_NAME).sha256)

    @property
    def task(self) -> str:
        """The name under which people ask for this model."""
        return self.info.task

    @property
    def engine_name(self) -> str:
        """Which engine runs the network, as the API reports it."""
        return self._engine.name

    def classify(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Prediction:
        """Answer for one picture, given as the bytes of its file.

        Raises PictureError when the bytes are not a picture that can be read within `limits`.
        """
        return self.answer(self.prepare(data, limits))

    def prepare(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Prepared:
        """Decode and preprocess: what the network will see."""
        return preprocess(decode(data, limits), self.info.preprocessing, self.info.input)

    def answer(self, prepared: Prepared) -> Prediction:
        """Run the network on a prepared picture and judge what it says."""
        labels = self.info.label_ids
        if prepared.pixels is None:
            uniform = (1 / len(labels),) * len(labels)
            return Prediction(self.task, labels, uniform, Verdict.REJECTED, None, prepared.reason)
        outputs = self._engine.infer(prepared.pixels)
        probabilities = softmax(outputs.logits / self.info.temperature)
        index = self._decide(probabilities)
        doubt = prepared.reason or (Reason.WEAK_SIGNAL if index != np.argmax(probabilities) else None)
        strange = self._is_strange(probabilities, outputs.features) or doubt is Reason.UNFAMILIAR
        verdict, reason = self._judge(float(probabilities[index]), doubt, strange)
        return Prediction(
            task=self.task,
            labels=labels,
            probabilities=tuple(float(p) for p in probabilities),
            verdict=verdict,
            index=None if verdict is Verdict.REJECTED else index,
            reason=reason,
            seen=prepared.pixels,
            heat=None if self._head is None else activation_map(outputs.feature_map, self._head[index]),
        )

    def _decide(self, probabilities: NDArray[np.float64]) -> int:
        operating = self.info.thresholds.operating
        if operating is None:
            return int(np.argmax(probabilities))
        positive = self.info.label_ids.index(operating.label)
        return positive if probabilities[positive] >= operating.probability else 1 - positive

    def _is_strange(self, probabilities: NDArray[np.float64], features: NDArray[np.float32]) -> bool:
        if probabilities.max() < self.info.thresholds.rejected:
            return True
        rejection = self.info.rejection
        return self._space is not None and rejection is not None and self._space.score(features) > rejection.threshold

    def _judge(self, confidence: float, doubt: Reason | None, strange: bool) -> tuple[Verdict, Reason | None]:
        if strange:
            return Verdict.REJECTED, Reason.UNFAMILIAR
        if doubt is not None:
            return Verdict.UNCERTAIN, doubt
        if confidence < self.info.thresholds.confident:
            return Verdict.UNCERTAIN, Reason.LOW_CONFIDENCE
        return Verdict.CONFIDENT, None


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of `(K,)` or `(B, K)` logits, in float64 so that they sum to 1 when printed."""
    exponents = np.exp(logits.astype(np.float64) - np.max(logits, axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), dtype=np.float64)


def activation_map(feature_map: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class activation map (Zhou et al. 2016, arXiv 1512.04150) of `(h, w, D)` features, scaled to 0..1."""
    heat = np.maximum(feature_map @ weights, 0)
    return np.asarray(heat / max(float(heat.max()), 1e-6), dtype=np.float32)
