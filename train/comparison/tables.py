"""A comparison as tables, one column a model, for the terminal and for Markdown."""

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from models.bundle import Metric
from train.comparison.compare import PRINCIPAL, Compared, Comparison, Seeds, Spread
from train.comparison.corruption import CHOSEN_BY, Altered
from train.comparison.latency import TIMED
from train.learning.corruptions import CORRUPTIONS

DIFFERENCES = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss")
NAMES = {"roc_auc": "ROC AUC", "ece": "ECE"}
ENOUGH_SEEDS = 3
ALTERED = (CHOSEN_BY, "sensitivity", "specificity")
ABOUT_ALTERED = (
    "As another camera, scanner or hospital would have taken them, at the frozen thresholds. Where plain validation is "
    f"too easy, choose by the worst {CHOSEN_BY.replace('_', ' ')}."
)

Rows = list[tuple[str, ...]]  # the first is the header


def show(comparison: Comparison, console: Console) -> None:
    """Print the tables and what they mean. The console should have markup off: names are printed as they are."""
    for title, rows, notes in _parts(comparison):
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
    """The same as Markdown, with the chart, whose file is named as seen from there."""
    lines = [f"# {comparison.task}: {len(comparison.models)} models compared\n"]
    for title, rows, notes in _parts(comparison):
        lines += [f"{title}.\n", _line(rows[0]), "|" + "---|" * len(rows[0]), *map(_line, rows[1:]), ""]
        lines += [*(f"- {note}" for note in notes), ""]
    lines += [f"![Accuracy with its 95 % interval against latency]({chart})", ""]
    return "\n".join(lines)


def about_split(split: str) -> str:
    """What figures on this split are good for."""
    if split == "test":
        return "Test pictures: these figures are to be reported; nothing may be chosen by them."
    return "Validation pictures: good for choosing, but flattered, since epochs and thresholds were fitted on them."


def _parts(comparison: Comparison) -> list[tuple[str, Rows, list[str]]]:
    """Title, rows and notes of each table."""
    title = (
        f"{comparison.task}, {comparison.split}: {comparison.pictures:,} pictures in {comparison.groups:,} groups, "
        "with 95 % intervals"
    )
    parts = [(title, _model_rows(comparison.models), _model_notes(comparison))]
    if comparison.models[0].altered is not None:
        parts.append(("The same pictures, altered, in %", _altered_rows(comparison.models), [ABOUT_ALTERED]))
    if comparison.seeds:
        parts.append(("Over seeds: mean ± standard deviation (lowest to highest)", *_seeds_part(comparison.seeds)))
    return parts


def _model_rows(models: Sequence[Compared]) -> Rows:
    def row(name: str, cell: Callable[[Compared], str]) -> tuple[str, ...]:
        return (name, *map(cell, models))

    measured = _measured(models, PRINCIPAL)
    return [
        row("", lambda model: model.name),
        row("architecture", lambda model: str(model.settings.get("arch"))),
        *((name, *(_as_text(model.settings.get(name, "-")) for model in models)) for name in _differing(models)),
        row("seed", lambda model: ", ".join(map(str, model.info.seeds))),
        row("training, minutes", lambda model: f"{model.info.training_minutes:g}"),
        row("weights", lambda model: f"{model.weights:,}"),
        row("model.tflite, MB", lambda model: f"{model.megabytes:.2f}"),
        row("LiteRT, ms a picture", lambda model: f"{model.latency_ms:.2f}"),
        row("times the first", lambda model: f"{model.latency_ms / models[0].latency_ms:.2f}"),
        *((_name(name), *(_value(name, model.measured.metrics[name]) for model in models)) for name in measured),
        row("rejected", lambda model: f"{model.measured.rejected:,}"),
        row("uncertain", lambda model: f"{model.measured.uncertain:,}"),
        *(
            (f"Δ {_name(name)}", *(_difference(name, model) for model in models))
            for name in DIFFERENCES
            if name in measured
        ),
        row(
            "right: only the first, only this",
            lambda model: f"{model.mcnemar.only_first}, {model.mcnemar.only_this}" if model.mcnemar else "",
        ),
        row("McNemar's p", lambda model: f"{model.mcnemar.p:.2g}" if model.mcnemar else ""),
        *(
            [row("the same, Holm", lambda model: f"{model.mcnemar.p_holm:.2g}" if model.mcnemar else "")]
            if len(models) > 2
            else []
        ),
    ]


def _altered_rows(models: Sequence[Compared]) -> Rows:
    """A row for each alteration, and one that repeats the worst."""
    altered = [model.altered for model in models if model.altered is not None]
    figures = _measured(models, ALTERED)

    def cell(one: Altered, name: str) -> str:
        return ", ".join(_number(figure, one.measured[name].metrics[figure].value) for figure in figures)

    return [
        (", ".join(map(_name, figures)), *(model.name for model in models)),
        *((name, *(cell(one, name) for one in altered)) for name in CORRUPTIONS),
        ("the worst", *(f"{cell(one, one.worst)} ({one.worst})" for one in altered)),
    ]


def _model_notes(comparison: Comparison) -> list[str]:
    several = len(comparison.models) - 1
    corrected = f"; with Holm's correction for {several} comparisons below it" if several > 1 else ""
    return [
        about_split(comparison.split),
        "A rejected picture counts as a wrong answer. Intervals: bootstrap over groups (patients, near-duplicates).",
        f"Δ: this minus {comparison.models[0].name}, percentages in points, paired bootstrap over groups. McNemar: "
        f"exact, two-sided, takes pictures for independent{corrected}.",
        f"LiteRT: the network alone, median of {TIMED} pictures on one thread, networks in turns on this machine.",
    ]


def _seeds_part(seeds: Sequence[Seeds]) -> tuple[Rows, list[str]]:
    def cell(spread: Spread, name: str) -> str:
        mean, deviation, low, high = (
            _number(name, value) for value in (spread.mean, spread.deviation, spread.low, spread.high)
        )
        return f"{mean} ± {deviation}{_unit(name)} ({low} to {high})"

    rows: Rows = [("", *(", ".join(group.names) for group in seeds)), ("architecture", *(each.arch for each in seeds))]
    rows.append(("seeds", *(", ".join(map(str, group.seeds)) for group in seeds)))
    for name in PRINCIPAL:
        if all(name in group.spreads for group in seeds):
            rows.append((_name(name), *(cell(group.spreads[name], name) for group in seeds)))
    few = any(len(group.seeds) < ENOUGH_SEEDS for group in seeds)
    return rows, [f"Fewer than {ENOUGH_SEEDS} seeds say little about their spread."] if few else []


def _measured(models: Sequence[Compared], names: Sequence[str]) -> list[str]:
    """Those of the figures that the task has."""
    return [name for name in names if name in models[0].measured.metrics]


def _differing(models: Sequence[Compared]) -> list[str]:
    """The recipe's choices that are not the same in all; architecture and seed have rows of their own."""
    names = dict.fromkeys(name for model in models for name in model.settings)
    shown = (name for name in names if name not in ("task", "arch", "seed"))
    first, *others = (model.settings for model in models)
    return [name for name in shown if any(other.get(name) != first.get(name) for other in others)]


def _as_text(setting: object) -> str:
    return f"{setting[:8]}…" if isinstance(setting, str) and len(setting) == 64 else str(setting)  # a hash


def _name(figure: str) -> str:
    return NAMES.get(figure, figure.replace("_", " "))


def _unit(figure: str) -> str:
    return "" if figure == "log_loss" else " %"


def _number(figure: str, value: float, sign: str = "") -> str:
    return f"{value:{sign}.4f}" if figure == "log_loss" else f"{100 * value:{sign}.2f}"


def _value(figure: str, metric: Metric) -> str:
    value, low, high = (_number(figure, number) for number in (metric.value, metric.low, metric.high))
    return f"{value}{_unit(figure)} ({low} to {high})"


def _difference(figure: str, model: Compared) -> str:
    if model.differences is None:
        return ""
    metric = model.differences[figure]
    value, low, high = (_number(figure, number, "+") for number in (metric.value, metric.low, metric.high))
    return f"{value} ({low} to {high})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
