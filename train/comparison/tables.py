"""Tables of a comparison, with one column per model, for the terminal and for Markdown."""

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from models.bundle import Metric
from train.comparison.comparison import MAIN_METRICS, ComparedModel, Comparison, SeedGroup, Spread
from train.comparison.corruption_robustness import SELECTION_METRIC, CorruptionRobustness
from train.comparison.latency import TIMED_PICTURES
from train.learning.corruptions import CORRUPTIONS

DIFFERENCE_METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss")
CORRUPTION_METRICS = (SELECTION_METRIC, "sensitivity", "specificity")
METRIC_NAMES = {"roc_auc": "ROC AUC", "ece": "ECE"}  # the others are their keys with spaces
MIN_SEEDS = 3  # with fewer, the table has a warning
CORRUPTION_NOTE = (
    "Corruptions imitate other cameras, scanners and hospitals; the thresholds stay the same. If the differences on "
    f"plain validation pictures are small, choose by the {SELECTION_METRIC.replace('_', ' ')} in the last row."
)

Rows = list[tuple[str, ...]]  # the first is the header


def show(comparison: Comparison, console: Console) -> None:
    """Print the tables and their notes. Use a console with markup off, because names may contain brackets."""
    for title, rows, notes in _sections(comparison):
        console.print(f"\n{title}", style="bold")
        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        for number, name in enumerate(rows[0]):
            table.add_column(name, justify="right" if number else "left", overflow="fold")
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
        for note in notes:
            console.print(note, style="dim")


def markdown(comparison: Comparison, chart: str) -> str:
    """Return the same tables as Markdown. `chart` is the path of the chart, relative to the Markdown file."""
    lines = [f"# {comparison.task}: {len(comparison.models)} models compared\n"]
    for title, rows, notes in _sections(comparison):
        lines += [f"{title}.\n", _markdown_row(rows[0]), "|" + "---|" * len(rows[0]), *map(_markdown_row, rows[1:]), ""]
        lines += [*(f"- {note}" for note in notes), ""]
    lines += [f"![Accuracy with its 95 % interval against latency]({chart})", ""]
    return "\n".join(lines)


def split_note(split: str) -> str:
    """Return a note on the use of metrics that were measured on this split."""
    if split == "test":
        return "Test split: report these metrics, but choose nothing by them."
    return (
        "Validation split: use these metrics to choose a model. They are too optimistic, because epochs and thresholds "
        "were fitted on this split."
    )


def _sections(comparison: Comparison) -> list[tuple[str, Rows, list[str]]]:
    """Return title, rows and notes of each table."""
    title = (
        f"{comparison.task}, {comparison.split}: {comparison.pictures:,} pictures in {comparison.groups:,} groups, "
        "with 95 % intervals"
    )
    sections = [(title, _model_rows(comparison.models), _model_notes(comparison))]
    if comparison.models[0].corruption_robustness is not None:
        sections.append(("The same pictures, corrupted, in %", _corruption_rows(comparison.models), [CORRUPTION_NOTE]))
    if comparison.seeds:
        title = "Spread over seeds: mean ± standard deviation (lowest to highest)"
        sections.append((title, *_seed_rows_and_notes(comparison.seeds)))
    return sections


def _model_rows(models: Sequence[ComparedModel]) -> Rows:
    def row(name: str, cell: Callable[[ComparedModel], str]) -> tuple[str, ...]:
        return (name, *map(cell, models))

    metrics = _available(models, MAIN_METRICS)
    return [
        row("", lambda model: model.name),
        row("architecture", lambda model: str(model.settings.get("arch"))),
        *(
            (name, *(_format_setting(model.settings.get(name, "-")) for model in models))
            for name in _different_settings(models)
        ),
        row("seed", lambda model: ", ".join(map(str, model.info.seeds))),
        row("training, minutes", lambda model: f"{model.info.training_minutes:g}"),
        row("weights", lambda model: f"{model.weights:,}"),
        row("model.tflite, MB", lambda model: f"{model.megabytes:.2f}"),
        row("LiteRT, ms per picture", lambda model: f"{model.latency_ms:.2f}"),
        row("relative to the first", lambda model: f"{model.latency_ms / models[0].latency_ms:.2f}"),
        *(
            (_metric_name(name), *(_format_metric(name, model.measured.metrics[name]) for model in models))
            for name in metrics
        ),
        row("rejected", lambda model: f"{model.measured.rejected:,}"),
        row("uncertain", lambda model: f"{model.measured.uncertain:,}"),
        *(
            (f"Δ {_metric_name(name)}", *(_format_difference(name, model) for model in models))
            for name in DIFFERENCE_METRICS
            if name in metrics
        ),
        row(
            "correct: only the first, only this one",
            lambda model: f"{model.mcnemar.only_first}, {model.mcnemar.only_this}" if model.mcnemar else "",
        ),
        row("McNemar's p", lambda model: f"{model.mcnemar.p:.2g}" if model.mcnemar else ""),
        *(
            [row("McNemar's p, Holm", lambda model: f"{model.mcnemar.p_holm:.2g}" if model.mcnemar else "")]
            if len(models) > 2
            else []
        ),
    ]


def _corruption_rows(models: Sequence[ComparedModel]) -> Rows:
    """Return a row per corruption, and a last row that repeats the worst corruption."""
    robustness = [model.corruption_robustness for model in models if model.corruption_robustness is not None]
    metrics = _available(models, CORRUPTION_METRICS)

    def cell(one: CorruptionRobustness, corruption: str) -> str:
        values = one.measured[corruption].metrics
        return ", ".join(_format_number(metric, values[metric].value) for metric in metrics)

    return [
        (", ".join(map(_metric_name, metrics)), *(model.name for model in models)),
        *((corruption, *(cell(one, corruption) for one in robustness)) for corruption in CORRUPTIONS),
        ("worst corruption", *(f"{cell(one, one.worst)} ({one.worst})" for one in robustness)),
    ]


def _model_notes(comparison: Comparison) -> list[str]:
    tests = len(comparison.models) - 1
    corrected = f" The row below has Holm's correction for {tests} comparisons." if tests > 1 else ""
    return [
        split_note(comparison.split),
        "A rejected picture counts as an error. Intervals: bootstrap over groups (patients, near-duplicates).",
        f"Δ: this model minus {comparison.models[0].name}, in percentage points, paired bootstrap over groups.",
        f"McNemar: exact two-sided test, which treats pictures as independent.{corrected}",
        f"LiteRT: network only, median of {TIMED_PICTURES} pictures on one thread; the networks take turns.",
    ]


def _seed_rows_and_notes(groups: Sequence[SeedGroup]) -> tuple[Rows, list[str]]:
    def cell(spread: Spread, name: str) -> str:
        mean, deviation, low, high = (
            _format_number(name, value) for value in (spread.mean, spread.deviation, spread.low, spread.high)
        )
        return f"{mean} ± {deviation}{_unit(name)} ({low} to {high})"

    rows: Rows = [("", *(", ".join(group.names) for group in groups))]
    rows.append(("architecture", *(group.arch for group in groups)))
    rows.append(("seeds", *(", ".join(map(str, group.seeds)) for group in groups)))
    for name in MAIN_METRICS:
        if all(name in group.spreads for group in groups):
            rows.append((_metric_name(name), *(cell(group.spreads[name], name) for group in groups)))
    few = any(len(group.seeds) < MIN_SEEDS for group in groups)
    return rows, [f"Fewer than {MIN_SEEDS} seeds: the spread is not reliable."] if few else []


def _available(models: Sequence[ComparedModel], names: Sequence[str]) -> list[str]:
    """Return the metrics that the task has."""
    return [name for name in names if name in models[0].measured.metrics]


def _different_settings(models: Sequence[ComparedModel]) -> list[str]:
    """Return the settings that differ between models. Architecture and seed have rows of their own."""
    names = dict.fromkeys(name for model in models for name in model.settings)
    candidates = (name for name in names if name not in ("task", "arch", "seed"))
    first, *others = (model.settings for model in models)
    return [name for name in candidates if any(other.get(name) != first.get(name) for other in others)]


def _format_setting(setting: object) -> str:
    return f"{setting[:8]}…" if isinstance(setting, str) and len(setting) == 64 else str(setting)  # 64: a SHA-256


def _metric_name(name: str) -> str:
    return METRIC_NAMES.get(name, name.replace("_", " "))


def _unit(name: str) -> str:
    return "" if name == "log_loss" else " %"


def _format_number(name: str, value: float, sign: str = "") -> str:
    return f"{value:{sign}.4f}" if name == "log_loss" else f"{100 * value:{sign}.2f}"


def _format_metric(name: str, metric: Metric) -> str:
    value, low, high = (_format_number(name, number) for number in (metric.value, metric.low, metric.high))
    return f"{value}{_unit(name)} ({low} to {high})"


def _format_difference(name: str, model: ComparedModel) -> str:
    if model.differences is None:
        return ""
    metric = model.differences[name]
    value, low, high = (_format_number(name, number, "+") for number in (metric.value, metric.low, metric.high))
    return f"{value} ({low} to {high})"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
