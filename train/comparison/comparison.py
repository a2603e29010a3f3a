"""Compare trained models on the same pictures: metrics, paired differences to the first model, latency, seeds."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from models.bundle import MODEL_NAME, BundleInfo, Measurement, Metric
from train.comparison.corruption_robustness import CorruptionRobustness, measure_corruption_robustness
from train.comparison.latency import latencies_ms
from train.comparison.network_size import count_weights
from train.comparison.significance import McNemar, mcnemar_tests, paired_differences
from train.errors import RunError
from train.evaluation.metrics import measure
from train.evaluation.predictions import predict_all
from train.exported_model import ExportedModel, load_exported_model
from train.manifest import Split
from train.recipe import Augmentation, Recipe, with_current_keys

# The metrics of the tables, in this order. Those that a task does not have are left out.
MAIN_METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "sensitivity", "specificity", "log_loss", "ece")


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One model of a comparison.

    `differences` are this model's metrics minus those of the first model. They and `mcnemar` are None for the first
    model itself. `corruption_robustness` is None unless it was requested.
    """

    name: str
    bundle: Path
    info: BundleInfo
    weights: int  # of the LiteRT network
    megabytes: float  # size of model.tflite
    latency_ms: float  # median per picture, network only, one thread
    measured: Measurement
    differences: Mapping[str, Metric] | None
    mcnemar: McNemar | None
    corruption_robustness: CorruptionRobustness | None

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe's settings by name, with those of the augmentation as `augmentation.NAME`.

        A setting that did not exist yet when the run was made has its default, which is equal to the old behaviour.
        """
        recipe = {
            name: value
            for name, value in with_current_keys(self.info.recipe).items()
            if name not in ("labels", "version")
        }
        augmentation = _defaults(Augmentation) | recipe.pop("augmentation", {})
        settings = _defaults(Recipe) | recipe
        del settings["version"]
        return settings | {f"augmentation.{name}": value for name, value in augmentation.items()}


@dataclass(frozen=True, slots=True)
class Spread:
    """Spread of a metric over runs of one recipe: mean, standard deviation (n - 1), lowest and highest value."""

    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs whose recipes differ only in the seed, and the spread of each metric over them."""

    names: tuple[str, ...]
    arch: str
    seeds: tuple[int, ...]
    spreads: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models of one task, measured on one split. Differences are relative to `models[0]`."""

    task: str
    split: Split
    pictures: int
    groups: int
    models: tuple[ComparedModel, ...]
    seeds: tuple[SeedGroup, ...]


def compare(
    directories: Sequence[Path], split: Split, data_dir: Path | None = None, corruptions: bool = False
) -> Comparison:
    """Measure the models in several runs or bundles on the same split of the same data.

    With `corruptions`, measure them also on each corruption of these pictures (`train.learning.corruptions`).

    Raises RunError for fewer than two models, for runs without a bundle, and for models of different tasks, labels or
    splits of the data.
    """
    if len(directories) < 2:
        raise RunError(f"compare got {len(directories)} run: name at least two")
    exported = [load_exported_model(directory, data_dir) for directory in directories]
    first = exported[0]
    for other in exported[1:]:
        _check_comparable(first, other)
    rows = first.rows(split)
    predictions = [predict_all(model.classifier, first.task_dir, rows) for model in exported]
    latencies = latencies_ms(exported, first.task_dir, rows)
    tests = mcnemar_tests(predictions)
    models = [
        ComparedModel(
            name=name,
            bundle=model.bundle,
            info=model.info,
            weights=count_weights(model.bundle / MODEL_NAME),
            megabytes=model.info.files[MODEL_NAME].size / 1e6,
            latency_ms=latency,
            measured=measure(predicted),
            differences=None if test is None else paired_differences(predictions[0], predicted),
            mcnemar=test,
            corruption_robustness=measure_corruption_robustness(model, rows) if corruptions else None,
        )
        for model, predicted, name, latency, test in zip(
            exported, predictions, _unique_names(exported), latencies, [None, *tests], strict=True
        )
    ]
    group_count = predictions[0].group_count
    return Comparison(first.classifier.task, split, len(rows), group_count, tuple(models), group_by_recipe(models))


def group_by_recipe(models: Sequence[ComparedModel]) -> tuple[SeedGroup, ...]:
    """Group the models by recipe, without the seed. Recipes that were trained with only one seed are left out."""
    groups: dict[str, dict[int, ComparedModel]] = defaultdict(dict)  # by recipe, then seed: no run counts twice
    for model in models:
        seed = model.info.seeds[0]
        groups[_recipe_key(model.settings | {"seed": None})].setdefault(seed, model)
    return tuple(_seed_group(by_seed) for by_seed in groups.values() if len(by_seed) > 1)


def _seed_group(by_seed: Mapping[int, ComparedModel]) -> SeedGroup:
    runs = list(by_seed.values())
    spreads = {
        name: _spread([model.measured.metrics[name].value for model in runs]) for name in runs[0].measured.metrics
    }
    return SeedGroup(tuple(model.name for model in runs), runs[0].info.recipe["arch"], tuple(by_seed), spreads)


def _defaults(cls: type) -> dict[str, Any]:
    return {field.name: field.default for field in fields(cls) if field.default is not MISSING}


def _recipe_key(settings: Mapping[str, Any]) -> str:
    """Return a text that is equal for equal settings. 0 and 0.0 are equal."""
    numbers = {name: float(value) for name, value in settings.items() if type(value) is int}
    return repr(sorted((dict(settings) | numbers).items()))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.mean(values), statistics.stdev(values), min(values), max(values))


def _check_comparable(first: ExportedModel, other: ExportedModel) -> None:
    task, other_task = first.classifier.task, other.classifier.task
    if task != other_task:
        raise RunError(f"{first.bundle} is for {task} and {other.bundle} for {other_task}: compare runs of one task")
    labels, other_labels = first.info.label_ids, other.info.label_ids
    if labels != other_labels:
        raise RunError(
            f"{first.bundle} has the labels {', '.join(labels)} and {other.bundle} {', '.join(other_labels)}: compare "
            "runs with the same labels in the same order"
        )
    if first.info.data.fingerprint != other.info.data.fingerprint:
        raise RunError(
            f"{first.bundle} and {other.bundle} are from different splits of the data, so one of them may be measured "
            "on pictures that it was trained on: train one of them again"
        )


def _unique_names(models: Sequence[ExportedModel]) -> list[str]:
    """Return the models' names, numbered if they repeat."""
    seen: Counter[str] = Counter()
    names = []
    for model in models:
        seen[model.name] += 1
        names.append(model.name if seen[model.name] == 1 else f"{model.name} ({seen[model.name]})")
    return names
