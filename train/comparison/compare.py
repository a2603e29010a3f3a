"""Trained models side by side on the same pictures: figures, paired differences to the first, speed, spread."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from models.bundle import MODEL_NAME, BundleInfo, Measurement, Metric
from train.bundling.litert import count_weights
from train.comparison.corruption import Altered, measure_altered
from train.comparison.latency import latencies_ms
from train.comparison.paired import McNemar, differences, mcnemar_tests
from train.errors import RunError
from train.evaluation.metrics import measure
from train.evaluation.predictions import predict_all
from train.exported_model import ExportedModel, find
from train.manifest import Split
from train.recipe import Augmentation, Recipe, with_current_keys

# What a person looks at first, in this order; those that a task has not got are left out.
PRINCIPAL = ("accuracy", "balanced_accuracy", "roc_auc", "sensitivity", "specificity", "log_loss", "ece")


@dataclass(frozen=True, slots=True)
class Compared:
    """One model. `differences` are this minus the first, by figure; None, as `mcnemar`, for the first itself."""

    name: str
    bundle: Path
    info: BundleInfo
    weights: int  # parameters of the network that is served
    megabytes: float  # of model.tflite
    latency_ms: float  # median of a picture, network alone, one thread
    measured: Measurement
    differences: Mapping[str, Metric] | None
    mcnemar: McNemar | None
    altered: Altered | None  # if that was asked for

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe's choices by name, those of the augmentation among them.

        Choices that did not exist yet when the run was made have their default, which is what was done then.
        """
        stored = with_current_keys(self.info.recipe)
        recipe = {name: value for name, value in stored.items() if name not in ("labels", "version")}
        augmentation = _defaults(Augmentation) | recipe.pop("augmentation", {})
        chosen = _defaults(Recipe) | recipe
        del chosen["version"]
        return chosen | {f"augmentation.{name}": value for name, value in augmentation.items()}


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the runs of one recipe: mean, standard deviation (n - 1), lowest and highest."""

    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Seeds:
    """Runs whose recipes differ in nothing but the seed, and the spread of each figure over them."""

    names: tuple[str, ...]
    arch: str
    seeds: tuple[int, ...]
    spreads: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models of one task on one split of its pictures; differences are to `models[0]`."""

    task: str
    split: Split
    pictures: int
    groups: int
    models: tuple[Compared, ...]
    seeds: tuple[Seeds, ...]


def compare(
    directories: Sequence[Path], split: Split, data_dir: Path | None = None, altered: bool = False
) -> Comparison:
    """Measure the models of several runs, or bundles, on a split of the pictures that all of them were split from.

    With `altered`, also on these pictures as each of the alterations of `train.learning.corruptions` makes them.

    Raises RunError for fewer than two, for runs that are not exported, and for models that cannot be compared: of
    another task, with other labels, or from another split of the data.
    """
    if len(directories) < 2:
        raise RunError(f"compare got {len(directories)} run: name at least two")
    subjects = [find(directory, data_dir) for directory in directories]
    for other in subjects[1:]:
        _check_pair(subjects[0], other)
    rows = subjects[0].rows(split)
    answers = [predict_all(subject.classifier, subjects[0].task_dir, rows) for subject in subjects]
    latencies = latencies_ms(subjects, subjects[0].task_dir, rows)
    tests = mcnemar_tests(answers)
    models = [
        Compared(
            name=name,
            bundle=subject.bundle,
            info=subject.info,
            weights=count_weights(subject.bundle / MODEL_NAME),
            megabytes=subject.info.files[MODEL_NAME].size / 1e6,
            latency_ms=latency,
            measured=measure(answered),
            differences=None if test is None else differences(answers[0], answered),
            mcnemar=test,
            altered=measure_altered(subject, rows) if altered else None,
        )
        for subject, answered, name, latency, test in zip(
            subjects, answers, _names(subjects), latencies, [None, *tests], strict=True
        )
    ]
    task, groups = subjects[0].classifier.task, answers[0].group_count
    return Comparison(task, split, len(rows), groups, tuple(models), over_seeds(models))


def over_seeds(models: Sequence[Compared]) -> tuple[Seeds, ...]:
    """The recipes that were trained with more than one seed, with what their runs' figures spread over."""
    alike: dict[str, dict[int, Compared]] = defaultdict(dict)  # by recipe, then by seed: no run counts twice
    for model in models:
        seed = model.info.seeds[0]
        alike[_key(model.settings | {"seed": None})].setdefault(seed, model)
    return tuple(_over_seeds(by_seed) for by_seed in alike.values() if len(by_seed) > 1)


def _over_seeds(by_seed: Mapping[int, Compared]) -> Seeds:
    runs = list(by_seed.values())
    spreads = {
        name: _spread([model.measured.metrics[name].value for model in runs]) for name in runs[0].measured.metrics
    }
    return Seeds(tuple(model.name for model in runs), runs[0].info.recipe["arch"], tuple(by_seed), spreads)


def _defaults(cls: type) -> dict[str, Any]:
    return {field.name: field.default for field in fields(cls) if field.default is not MISSING}


def _key(settings: Mapping[str, Any]) -> str:
    """The same for the same choices, whether a zero was written 0 or 0.0."""
    numbers = {name: float(value) for name, value in settings.items() if type(value) is int}
    return repr(sorted((dict(settings) | numbers).items()))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.mean(values), statistics.stdev(values), min(values), max(values))


def _check_pair(first: ExportedModel, other: ExportedModel) -> None:
    task, other_task = first.classifier.task, other.classifier.task
    if task != other_task:
        raise RunError(f"{first.bundle} is for {task} and {other.bundle} for {other_task}: compare runs of one task")
    labels, other_labels = first.info.label_ids, other.info.label_ids
    if labels != other_labels:
        raise RunError(
            f"{first.bundle} answers {', '.join(labels)} and {other.bundle} {', '.join(other_labels)}: compare runs "
            "with the same labels in the same order"
        )
    if first.info.data.fingerprint != other.info.data.fingerprint:
        raise RunError(
            f"{first.bundle} and {other.bundle} are from different splits of the data, so one may have learnt from "
            "pictures that the other is measured on: fit one of them again"
        )


def _names(subjects: Sequence[ExportedModel]) -> list[str]:
    """Their names, numbered where they repeat."""
    seen: Counter[str] = Counter()
    names = []
    for subject in subjects:
        seen[subject.name] += 1
        names.append(subject.name if seen[subject.name] == 1 else f"{subject.name} ({seen[subject.name]})")
    return names
