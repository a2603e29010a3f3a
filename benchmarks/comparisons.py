"""The comparisons that people make by hand, one command each: train, export and compare, on small X-rays.

    python -m benchmarks.comparisons balance          # unbalanced, weighted and balanced training of the custom network
    python -m benchmarks.comparisons architectures    # the custom network against ResNet50 pre-trained on ImageNet

Runs that are complete are kept and an interrupted one goes on, so the same command can be given again. Pictures are
smaller and epochs fewer than in the recipe, so that it ends within hours on two cores; the options change that.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from models.cli import Debug, command_line

TASK = "pneumonia"
BALANCES: tuple[Literal["none", "weights", "sampling"], ...] = ("none", "weights", "sampling")

app = command_line()
Epochs = Annotated[int, typer.Option(min=1, help="Of each run.")]
Size = Annotated[int, typer.Option(min=32, help="Pixels of a picture's side.")]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each kind: seeds 0, 1, …")]
DataDir = Annotated[Path, typer.Option(help="Where `python -m train fetch pneumonia` put the data.")]
RunsDir = Annotated[Path, typer.Option(help="Runs and tables go to folders of it.")]


@app.callback()
def comparisons() -> None:
    """Train, export and compare on validation. Prints the table and the directory of table and chart."""


@app.command()
def balance(
    epochs: Epochs = 6,
    size: Size = 64,
    seeds: Seeds = 3,
    data_dir: DataDir = Path("data"),
    runs_dir: RunsDir = Path("runs/comparisons"),
    _debug: Debug = False,
) -> None:
    """Compare ways to deal with three times as many sick as healthy: nothing, class weights, balanced sampling."""
    from train import recipe  # noqa: PLC0415 (as below: quick --help)

    kinds: dict[str, dict[str, Any]] = {how: {"arch": "cnn", **recipe.balance_overrides(how)} for how in BALANCES}
    _compare("balance", kinds, {"epochs": epochs, "size": size, "seeds": seeds}, data_dir, runs_dir)


@app.command()
def architectures(
    backbone: Annotated[str, typer.Option(metavar="NAME", help="What is compared to cnn.")] = "resnet50",
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
    """Compare the custom network, from scratch, to a pre-trained one that is fine-tuned."""
    kinds = {arch: {"arch": arch} for arch in ("cnn", backbone)}
    _compare("architectures", kinds, {"epochs": epochs, "size": size, "seeds": seeds}, data_dir, runs_dir, weights)


def _compare(
    name: str,
    kinds: Mapping[str, Mapping[str, Any]],
    effort: Mapping[str, int],
    data_dir: Path,
    runs_dir: Path,
    weights: Path | None = None,
) -> None:
    """Train each kind with every seed, then compare; `kinds` are by name what differs from the task's recipe."""
    from rich.console import Console  # noqa: PLC0415

    from train import recipe  # noqa: PLC0415
    from train.comparison import report as compare_report  # noqa: PLC0415
    from train.comparison import tables as compare_tables  # noqa: PLC0415
    from train.comparison.compare import compare  # noqa: PLC0415

    directory = runs_dir / f"{name}-{effort['size']}px-{effort['epochs']}epochs"
    runs = []
    for kind, choices in kinds.items():
        for seed in range(effort["seeds"]):
            chosen = recipe.load(
                TASK,
                seed=seed,
                epochs=effort["epochs"],
                height=effort["size"],
                width=effort["size"],
                **choices,
            )
            runs.append(directory / f"{kind}-{seed}")
            _complete(chosen, data_dir / TASK, runs[-1], None if choices["arch"] == "cnn" else weights)
    found = compare(runs, "val", data_dir)
    compare_tables.show(found, Console(markup=False, highlight=False, emoji=False))
    compare_report.write(found, directory)
    typer.echo(directory)


def _complete(chosen: Any, task_dir: Path, run: Path, weights: Path | None) -> None:
    """See to it that there is an exported run of the recipe `chosen`, going on where an earlier call was stopped."""
    from train import run as runs  # noqa: PLC0415
    from train.bundling.export import export  # noqa: PLC0415
    from train.errors import RunError  # noqa: PLC0415
    from train.exported_model import BUNDLE  # noqa: PLC0415
    from train.learning import plan  # noqa: PLC0415
    from train.learning.fit import fit, resume  # noqa: PLC0415

    typer.echo(f"{run} …", err=True)
    is_unfinished = (run / plan.UNFINISHED).is_dir()
    if is_unfinished:
        begun = plan.read(run).recipe
    elif (run / runs.RUN_NAME).is_file():
        begun = runs.read(run).recipe
    else:
        begun = fit(chosen, task_dir, run, weights).recipe
    if begun != chosen:
        raise RunError(f"{run} is of another recipe, which has changed since: remove it, or name another --runs-dir")
    if is_unfinished:
        resume(run, weights)
    if not (run / BUNDLE).is_dir():
        export(run)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.comparisons")
