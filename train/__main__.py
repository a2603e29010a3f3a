"""The commands of `python -m train`. Each imports what it needs when it runs, so that `--help` is quick."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from models.cli import INTERRUPTED, Debug, command_line

if TYPE_CHECKING:
    from train.recipe import Recipe

app = command_line()
Backbone = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The backbone's file (.keras, or a keras.applications .h5). Default: download."),
]


@app.callback()
def train() -> None:
    """Make an image classifier, from the data to the bundle that is served."""


@app.command()
def fetch(
    task: Annotated[str, typer.Argument(help="What to fetch the data of: digit, flower or pneumonia.")],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="An address, an archive or an unpacked folder in upstream's layout. Default: upstream.",
        ),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data go to DATA_DIR/TASK.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="Chooses the split; the same seed gives the same split anywhere.")] = 0,
    _debug: Debug = False,
) -> None:
    """Download, verify, unpack and split the data of a task. A broken download is resumed."""
    from rich.console import Console  # noqa: PLC0415 (as all below: quick --help)
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from train.manifest import SPLITS  # noqa: PLC0415
    from train.sources import fetch as fetching  # noqa: PLC0415
    from train.sources.datasets import dataset_for  # noqa: PLC0415

    dataset = dataset_for(task)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    fetched = fetching.fetch(dataset, data_dir, progress, source, seed)
    counts = fetched.counts()
    typer.echo(f"{fetched.directory} {'was already there' if fetched.already else 'is ready'}:")
    for split in SPLITS:
        by_label = ", ".join(f"{label} {counts[split, label]:,}" for label in dataset.labels)
        typer.echo(f"  {split:5} {sum(counts[split, label] for label in dataset.labels):6,}  ({by_label})")
    if fetched.left_out:
        typer.echo(f"  left out {fetched.left_out} whose copies contradict them or are in another split")


@app.command()
def explore(
    task_or_folder: Annotated[
        str,
        typer.Argument(metavar="TASK|FOLDER", help="A fetched task, or a folder with one folder of pictures a class."),
    ],
    data_dir: Annotated[Path, typer.Option(help="Where `fetch` put the data.")] = Path("data"),
    output: Annotated[
        Path | None,
        typer.Option(metavar="PATH", dir_okay=False, help="The HTML page. Default: runs/explore-NAME.html."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Count what there is, find duplicates and unreadable files. Prints the tables and the HTML page's path."""
    from rich.console import Console  # noqa: PLC0415

    from train.exploration import explore as exploring  # noqa: PLC0415
    from train.exploration import page as explore_page  # noqa: PLC0415
    from train.exploration import tables as explore_tables  # noqa: PLC0415

    collection = exploring.collect(task_or_folder, data_dir)
    found = exploring.explore(collection)
    explore_tables.show(found, Console(markup=False, highlight=False, emoji=False))
    path = output or Path("runs") / f"explore-{collection.name}.html"
    explore_page.write(found, path)
    typer.echo(path)


@app.command()
def fit(
    task: Annotated[
        str | None, typer.Argument(help="digit, flower or pneumonia: its recipe and its data.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Instead of a task: a folder with one folder of pictures a class."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --data: what the new task is to be called.")
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="cnn, mnist_cnn, or a name of keras.applications. Default: the recipe's."),
    ] = None,
    weights: Backbone = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many. Default: the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures a step. Default: the recipe's.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without a better validation loss. Default: the recipe's.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="The highest, per step. Default: the recipe's.")
    ] = None,
    schedule: Annotated[
        Literal["cosine", "plateau", "one_cycle"] | None,
        typer.Option(help="The course of the learning rate. Default: the recipe's."),
    ] = None,
    balance: Annotated[
        Literal["none", "weights", "sampling"] | None,
        typer.Option(help="Classes of different size: weigh them, or draw them equally often. Default: the recipe's."),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Momentum of the moving average of the weights. Default: the recipe's."),
    ] = None,
    swa: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the epochs, the last, to average instead. Default: the recipe's."),
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the truth given to all classes. Default: the recipe's.")
    ] = None,
    mixed_precision: Annotated[
        bool, typer.Option("--mixed-precision", help="Half precision, for GPUs; a CPU is no faster with it.")
    ] = False,
    steps_per_execution: Annotated[
        int | None, typer.Option(min=1, help="Steps between two looks at the progress. Default: the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation. Default: the recipe's.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another choice of the recipe, such as augmentation.flip=true. Repeats.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the task's newest unfinished run, by its own recipe and data.")
    ] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write logs for TensorBoard to the run.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Where `fetch` put the data.")] = Path("data"),
    runs_dir: Annotated[Path, typer.Option(help="The run goes to RUNS_DIR/TASK-DATE-TIME.")] = Path("runs"),
    _debug: Debug = False,
) -> None:
    """Train a network and keep the epoch with the lowest validation loss. Prints the run's directory."""
    from train import recipe  # noqa: PLC0415
    from train.errors import RecipeError  # noqa: PLC0415
    from train.learning import unfinished_run  # noqa: PLC0415

    chosen = {
        "arch": arch,
        "epochs": epochs,
        "batch_size": batch_size,
        "patience": patience,
        "learning_rate": learning_rate,
        "schedule": schedule,
        **recipe.balance_overrides(balance),
        **recipe.averaging_overrides(ema, swa),
        "label_smoothing": label_smoothing,
        "mixed_precision": mixed_precision or None,
        "steps_per_execution": steps_per_execution,
        "seed": seed,
        **recipe.parse_assignments(assignments or ()),
    }
    if resume:
        known = task or name
        if known is None:
            raise RecipeError("--resume needs the task, or --name NAME: say which")
        directory = unfinished_run.newest_unfinished(runs_dir, known)
        unfinished_run.check_same_choices(directory, chosen, tensorboard)
    else:
        asked = _recipe(task, data, name, data_dir, chosen)
        known = asked.task
        directory = runs_dir / f"{known}-{time.strftime('%Y%m%d-%H%M%S')}"

    from train.learning import training  # noqa: PLC0415 (Keras takes seconds: a typing error is told at once)

    try:
        if resume:
            run = training.resume(directory, weights)
        else:
            run = training.fit(asked, data_dir / known, directory, weights, tensorboard)
    except KeyboardInterrupt:
        typer.echo(unfinished_run.interruption_message(directory, runs_dir, known), err=True)
        raise typer.Exit(INTERRUPTED) from None
    figures = ", ".join(f"{name} {value:.4f}" for name, value in run.validation.items())
    typer.echo(f"best epoch {run.best_epoch + 1}, validation: {figures}; {run.minutes:g} minutes")
    typer.echo(directory)


def _recipe(task: str | None, data: Path | None, name: str | None, data_dir: Path, chosen: dict[str, Any]) -> "Recipe":
    """The recipe of a task, or of a folder, which is then read and split. `chosen` are the choices of the command."""
    from train import recipe  # noqa: PLC0415
    from train.errors import RecipeError  # noqa: PLC0415
    from train.sources import folder  # noqa: PLC0415

    if task is not None and data is None and name is None:
        return recipe.load(task, **chosen)
    if task is not None or data is None or name is None:
        raise RecipeError("fit takes either a task, or --data FOLDER and --name NAME: give one of the two")
    prepared = folder.prepare(data, name, data_dir)
    for line in folder.describe(prepared):
        typer.echo(line)
    return folder.recipe_for(prepared, **chosen)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="An exported run, or a bundle.")],
    split: Annotated[
        Literal["test", "val", "train"],
        typer.Option(help="Which pictures to measure on. Nothing should be chosen by the test pictures."),
    ] = "test",
    data_dir: Annotated[
        Path | None,
        typer.Option(help="The pictures are in DATA_DIR/TASK. Default: where the run had them; for a bundle, data."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="For the report. Default: RUN/report-SPLIT; for a bundle, runs/report-NAME-SPLIT.",
        ),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Show pictures of the data and list their files.")
    ] = True,
    _debug: Debug = False,
) -> None:
    """Measure an exported model on its pictures. Prints the figures and the path of the HTML report."""
    from rich.console import Console  # noqa: PLC0415

    from train import exported_model  # noqa: PLC0415
    from train.evaluation import report as evaluation_report  # noqa: PLC0415
    from train.evaluation import tables as evaluation_tables  # noqa: PLC0415
    from train.evaluation.evaluate import evaluate as measure  # noqa: PLC0415

    found = measure(exported_model.find(run, data_dir), split)
    evaluation_tables.show(found, Console(markup=False, highlight=False, emoji=False))
    directory = output or evaluation_report.directory_for(run, found)
    typer.echo(evaluation_report.write(found, directory, pictures))


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Exported runs, or bundles; differences are to the first."),
    ],
    split: Annotated[
        Literal["val", "test"],
        typer.Option(help="Which pictures to compare on. Nothing should be chosen by the test pictures."),
    ] = "val",
    altered: Annotated[
        bool, typer.Option("--altered", help="Also on the pictures as other cameras or hospitals would have them.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="The pictures are in DATA_DIR/TASK. Default: where the first run had them.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="For table and chart. Default: runs/compare-TASK-DATE-TIME."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Compare runs of a task: figures, paired differences, size, speed, seeds. Prints the directory of the report."""
    from rich.console import Console  # noqa: PLC0415

    from train.comparison import compare as comparing  # noqa: PLC0415
    from train.comparison import report as compare_report  # noqa: PLC0415
    from train.comparison import tables as compare_tables  # noqa: PLC0415

    found = comparing.compare(runs, split, data_dir, altered)
    compare_tables.show(found, Console(markup=False, highlight=False, emoji=False))
    directory = output or Path("runs") / f"compare-{found.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    compare_report.write(found, directory)
    typer.echo(directory)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that `fit` printed.")],
    _debug: Debug = False,
) -> None:
    """Turn a run into the bundle that is served, checked against Keras and measured. Prints the bundle's directory."""
    from train.bundling.export import export as write_bundle  # noqa: PLC0415

    typer.echo(write_bundle(run))


@app.command()
def publish(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The directory that `export` printed, or its run.")],
    repo_id: Annotated[
        str, typer.Option(metavar="USER/NAME", help="The model on the Hugging Face Hub; created if there is none.")
    ],
    private: Annotated[bool, typer.Option("--private", help="Create it so that only you can see it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the files and the card; needs no network and no token.")
    ] = False,
    _debug: Debug = False,
) -> None:
    """Publish a bundle on the Hugging Face Hub: one commit, tagged with the version. Prints what pins it.

    Publishing the same bundle again makes no commit. Log in with `hf auth login`, or set HF_TOKEN.
    """
    from models.settings import MODELS, hand_over_hub_settings  # noqa: PLC0415

    hand_over_hub_settings()
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    from train.publishing import publish as publishing  # noqa: PLC0415 (reads HF_ENDPOINT when it is imported)
    from train.publishing.package import pack  # noqa: PLC0415

    publishing.check_name(repo_id)
    parcel = pack(bundle)
    if dry_run:
        kind = "private" if private else "public"
        typer.echo(f"would publish {parcel.info.task} {parcel.info.version} as {repo_id}, {kind} if it is new:")
        typer.echo(parcel.describe())
        return
    if not sys.stderr.isatty():
        disable_progress_bars()
    done = publishing.publish(parcel, repo_id, private)
    typer.echo(f"{repo_id} {parcel.info.version}: {done.summary}")
    typer.echo(f"{done.commit}  {done.url}")
    typer.echo(f"{MODELS}={parcel.info.task}={repo_id}@{done.commit}")


if __name__ == "__main__":
    app(prog_name="python -m train")
