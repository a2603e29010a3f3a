"""A comparison as files: compare.md with the tables, compare.json with every figure, compare.png."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure

from train.comparison.comparison import Compared, Comparison
from train.comparison.tables import markdown
from train.html import literal, png
from train.run import atomic_write

MARKDOWN, JSON, CHART = "compare.md", "compare.json", "compare.png"
COLOURS = colormaps["tab10"]
MARKERS = "osD^vP*X"


def write(comparison: Comparison, directory: Path) -> None:
    """Write the three files into `directory`, each whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        MARKDOWN: markdown(comparison, CHART).encode(),
        JSON: (json.dumps(as_dict(comparison), indent=1, ensure_ascii=False) + "\n").encode(),
        CHART: png(chart(comparison)),
    }
    for name, content in contents.items():
        with atomic_write(directory / name) as stream:
            stream.write(content)


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "task": comparison.task,
        "split": comparison.split,
        "pictures": comparison.pictures,
        "groups": comparison.groups,
        "models": [_model_as_dict(model) for model in comparison.models],
        "seeds": [asdict(group) for group in comparison.seeds],
    }


def chart(comparison: Comparison) -> Figure:
    """Accuracy with its 95 % interval against the milliseconds that a picture takes.

    Models that are equally fast stand side by side, not on top of each other.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    slowest = max(model.latency_ms for model in comparison.models)
    places = _places([model.latency_ms for model in comparison.models], apart=slowest / 40)
    for number, (model, place) in enumerate(zip(comparison.models, places, strict=True)):
        accuracy = model.measured.metrics["accuracy"]
        axes.errorbar(
            place,
            100 * accuracy.value,
            yerr=([100 * (accuracy.value - accuracy.low)], [100 * (accuracy.high - accuracy.value)]),
            fmt=MARKERS[number % len(MARKERS)],
            color=COLOURS(number % COLOURS.N),
            capsize=4,
            label=literal(f"{model.name}, {model.megabytes:.1f} MB"),
        )
    axes.set_xlim(0, 1.15 * max(places))
    axes.set_xlabel("LiteRT, ms a picture (one thread, this machine)")
    axes.set_ylabel(f"accuracy on {comparison.split}, % with 95 % interval")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _places(values: Sequence[float], apart: float) -> list[float]:
    """The values, those that lie closer than `apart` spread around their middle, and so on with their neighbours."""
    clusters: list[list[int]] = []

    def first_place(cluster: Sequence[int]) -> float:
        return sum(values[index] for index in cluster) / len(cluster) - apart * (len(cluster) - 1) / 2

    for index in sorted(range(len(values)), key=values.__getitem__):
        cluster = [index]
        while clusters and first_place(cluster) - first_place(clusters[-1]) < apart * len(clusters[-1]):
            cluster = clusters.pop() + cluster
        clusters.append(cluster)
    places = list(values)
    for cluster in clusters:
        for rank, index in enumerate(cluster):
            places[index] = first_place(cluster) + apart * rank
    return places


def _model_as_dict(model: Compared) -> dict[str, Any]:
    info = model.info
    return {
        "name": model.name,
        "bundle": model.bundle.as_posix(),
        "version": info.version,
        "settings": model.settings,
        "source_commit": info.source_commit,
        "training_minutes": info.training_minutes,
        "training_machine": info.machine,
        "weights": model.weights,
        "megabytes": round(model.megabytes, 4),
        "latency_ms": round(model.latency_ms, 4),
        "measured": model.measured.model_dump(),
        "altered": model.altered and {name: each.model_dump() for name, each in model.altered.measured.items()},
        "differences": model.differences and {name: each.model_dump() for name, each in model.differences.items()},
        "mcnemar": model.mcnemar and asdict(model.mcnemar),
    }
