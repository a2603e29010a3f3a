"""Common comparisons as one command each: train, export and compare on small X-rays.

    python -m benchmarks.comparisons balance          # the custom network without and with two ways to balance classes
    python -m benchmarks.comparisons architectures    # the custom network against ResNet50 pre-trained on ImageNet

The same command can be run again: complete runs are used again, and an interrupted run is resumed. Pictures are smaller
and epochs fewer than in the recipe, so that a comparison takes hours, not days, on two cores. The options change that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console

from models.cli import Debug, command_line
from train import recipe as recipes
from train import run as runs
from train.bundling.exporter import export
from train.comparison import report, tables
from train.comparison.comparison import compare
from train.errors import RunError
from train.exported_model import BUNDLE_FOLDER
from train.learning.training import fit, resume
from train.learning.unfinished_run import UNFINISHED, read_plan
from train.recipe import ClassBalance, Recipe

TASK = "pneumonia"
BALANCES: tuple[ClassBalance, ...] = get_args(ClassBalance)

app = command_line()
Epochs = Annotated[int, typer.Option(min=1, help="Epochs of each run.")]
Size = Annotated[int, typer.Option(min=32, help="Side of the pictures, in pixels.")]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each variant, with the seeds 0, 1, …")]
DataDir = Annotated[Path, typer.Option(help="Where `python -m train fetch pneumonia` put the data.")]
RunsDir = Annotated[Path, typer.Option(help="The runs and tables go to folders in this directory.")]


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings that all runs of a comparison share."""

    epochs: int
    size: int  # pixels
    seeds: int
    data_dir: Path
    runs_dir: Path
    weights: Path | None = None  # the backbone's file


@app.callback()
def comparisons() -> None:
    """Train, export and compare on validation. Prints the table, and the directory of the table and the chart."""


@app.command()
def balance(
    epochs: Epochs = 6,
    size: Size = 64,
    seeds: Seeds = 3,
    data_dir: DataDir = Path("data"),
    runs_dir: RunsDir = Path("runs/comparisons"),
    _debug: Debug = False,
) -> None:
    """Compare ways to handle class imbalance, three sick to one healthy: none, class weights, balanced sampling."""
    variants: dict[str, dict[str, Any]] = {
        balance: {"arch": "cnn", **recipes.balance_overrides(balance)} for balance in BALANCES
    }
    _run_comparison("balance", variants, Setup(epochs, size, seeds, data_dir, runs_dir))


@app.command()
def architectures(
    backbone: Annotated[str, typer.Option(metavar="NAME", help="The architecture to compare with cnn.")] = "resnet50",
    weights: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The backbone's file. Default: Keras downloads it.")
    ] = None,
    epochs: Epochs = 6,
    size: Size = 64,
    seeds: Seeds = 3,
    data_dir: DataDir = Path("data"),
    runs_dir: RunsDir = Path("runs/comparisons"),
    _debug: Debug = False,
) -> None:
    """Compare the custom network, trained from scratch, with a pre-trained network that is fine-tuned."""
    variants = {arch: {"arch": arch} for arch in ("cnn", backbone)}
    _run_comparison("architectures", variants, Setup(epochs, size, seeds, data_dir, runs_dir, weights))


def _run_comparison(name: str, variants: Mapping[str, Mapping[str, Any]], setup: Setup) -> None:
    """Train each variant with every seed, then compare. `variants` maps a name to overrides of the task's recipe."""
    directory = setup.runs_dir / f"{name}-{setup.size}px-{setup.epochs}epochs"
    completed = []
    for variant, overrides in variants.items():
        weights = None if overrides["arch"] == "cnn" else setup.weights
        for seed in range(setup.seeds):
            recipe = recipes.load(
                TASK, seed=seed, epochs=setup.epochs, height=setup.size, width=setup.size, **overrides
            )
            run = directory / f"{variant}-{seed}"
            _complete(recipe, setup.data_dir / TASK, run, weights)
            completed.append(run)
    comparison = compare(completed, "val", setup.data_dir)
    tables.show(comparison, Console(markup=False, highlight=False, emoji=False))
    report.write(comparison, directory)
    typer.echo(directory)


def _complete(recipe: Recipe, task_dir: Path, run: Path, weights: Path | None) -> None:
    """Train and export the run, or resume it, unless this is done already.

    Raises RunError when the directory has a run of another recipe.
    """
    typer.echo(f"{run} …", err=True)
    is_unfinished = (run / UNFINISHED).is_dir()
    if is_unfinished:
        stored = read_plan(run).recipe
    elif (run / runs.RUN_NAME).is_file():
        stored = runs.read(run).recipe
    else:
        stored = fit(recipe, task_dir, run, weights).recipe
    if stored != recipe:
        raise RunError(f"{run} has another recipe than this version: remove the directory, or use another --runs-dir")
    if is_unfinished:
        resume(run, weights)
    if not (run / BUNDLE_FOLDER).is_dir():
        export(run)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.comparisons")
