"""Write a comparison to files: compare.md with the tables, compare.json with all metrics, compare.png with a chart."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure

from train.comparison.comparison import ComparedModel, Comparison
from train.comparison.tables import markdown
from train.html import escape_mathtext, png
from train.run import atomic_write

MARKDOWN, JSON, CHART = "compare.md", "compare.json", "compare.png"
COLOURS = colormaps["tab10"]
MARKERS = "osD^vP*X"


def write(comparison: Comparison, directory: Path) -> None:
    """Write the three files to `directory`. Each one is written atomically."""
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
    """Return the comparison as JSON data."""
    return {
        "task": comparison.task,
        "split": comparison.split,
        "pictures": comparison.pictures,
        "groups": comparison.groups,
        "models": [_model_as_dict(model) for model in comparison.models],
        "seeds": [asdict(group) for group in comparison.seeds],
    }


def chart(comparison: Comparison) -> Figure:
    """Plot accuracy, with its 95 % interval, against milliseconds per picture.

    Models with almost the same latency are moved apart horizontally, so that their markers do not overlap.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    slowest = max(model.latency_ms for model in comparison.models)
    positions = _spread_apart([model.latency_ms for model in comparison.models], distance=slowest / 40)
    for number, (model, position) in enumerate(zip(comparison.models, positions, strict=True)):
        accuracy = model.measured.metrics["accuracy"]
        axes.errorbar(
            position,
            100 * accuracy.value,
            yerr=([100 * (accuracy.value - accuracy.low)], [100 * (accuracy.high - accuracy.value)]),
            fmt=MARKERS[number % len(MARKERS)],
            color=COLOURS(number % COLOURS.N),
            capsize=4,
            label=escape_mathtext(f"{model.name}, {model.megabytes:.1f} MB"),
        )
    axes.set_xlim(0, 1.15 * max(positions))
    axes.set_xlabel("LiteRT, ms per picture (one thread, this machine)")
    axes.set_ylabel(f"accuracy on {comparison.split}, % with 95 % interval")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _spread_apart(values: Sequence[float], distance: float) -> list[float]:
    """Move values apart until they are at least `distance` from each other.

    Values that are too close form a cluster, which is spread around its mean. Clusters that overlap are merged.
    """
    clusters: list[list[int]] = []  # of indices, in ascending order of their values

    def lowest_position(cluster: Sequence[int]) -> float:
        return sum(values[index] for index in cluster) / len(cluster) - distance * (len(cluster) - 1) / 2

    for index in sorted(range(len(values)), key=values.__getitem__):
        cluster = [index]
        while clusters and lowest_position(cluster) - lowest_position(clusters[-1]) < distance * len(clusters[-1]):
            cluster = clusters.pop() + cluster
        clusters.append(cluster)
    positions = list(values)
    for cluster in clusters:
        for rank, index in enumerate(cluster):
            positions[index] = lowest_position(cluster) + distance * rank
    return positions


def _model_as_dict(model: ComparedModel) -> dict[str, Any]:
    info, robustness = model.info, model.corruption_robustness
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
        "altered": robustness and {name: measured.model_dump() for name, measured in robustness.measured.items()},
        "differences": model.differences and {name: metric.model_dump() for name, metric in model.differences.items()},
        "mcnemar": model.mcnemar and asdict(model.mcnemar),
    }
