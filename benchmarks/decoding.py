"""The cost of decoding: time at full and at reduced scale, the difference in the predictions, and peak memory.

    python -m benchmarks.decoding scale [--each 100]     # CPU milliseconds, other labels, differences
    python -m benchmarks.decoding memory                 # of the largest pictures of every mode

`scale` enlarges validation pictures to photographs of 12 megapixels with sensor noise, saves them as JPEG, and
classifies each with and without a reduction. Digits are rendered as in `benchmarks.handwriting`. Set
OPENBLAS_NUM_THREADS=1: NumPy's threads wait actively for each other on small matrices, up to 20 ms for a digit.
"""

import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.attacks.pictures import LARGE
from benchmarks.handwriting import STYLES, render
from models.catalog import BUNDLED, TASKS
from models.classifier import Classifier
from models.cli import Debug, command_line
from models.images.decoding import decode
from models.images.preprocessing import Prepared, preprocess
from models.loading import load_classifier
from train.manifest import read_manifest, read_picture

SEED = 0
WIDTH, HEIGHT = 4000, 3000  # 12 megapixels, as phones take them
NOISE = 5.0  # standard deviation of the sensor's noise, in grey levels
QUALITY = 88  # of the JPEG

app = command_line()

# A process of its own for each picture: the peak of a process does not go down again.
MEASURE_MEMORY = """
import sys
from models.images.decoding import decode

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

data = sys.stdin.buffer.read()
before = memory("VmSize"), memory("VmHWM")
decode(data)
print(memory("VmPeak") - before[0], memory("VmHWM") - before[1])
"""


@app.callback()
def decoding() -> None:
    """Measure what decoding costs."""


@app.command()
def scale(
    each: Annotated[int, typer.Option(min=1, help="Pictures of each task.")] = 100,
    data_dir: Annotated[Path, typer.Option(help="Where `python -m train fetch` put the data.")] = Path("data"),
    _debug: Debug = False,
) -> None:
    """Compare photographs of 12 megapixels at full and at reduced scale, for each included model.

    The times are of the processor, from the bytes to the network's input: medians, which other programs hardly change.
    `one grey level` is the difference that a random change of each input value by at most one makes.
    """
    typer.echo(
        "| task | pictures | full scale, CPU | reduced, CPU | other labels | median difference | 99 % | largest "
        "| one grey level: other labels | median | largest |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for task in TASKS:
        classifier = load_classifier(BUNDLED / task, workers=1)
        typer.echo(_compare(classifier, data_dir / task, each))


@app.command()
def memory(_debug: Debug = False) -> None:
    """Decode the largest pictures that are allowed, 50 megapixels of every mode. Linux only."""
    typer.echo("| picture | file, kB | address space, MB | resident memory, MB |\n|---|---|---|---|")
    for name, make in LARGE.items():
        data = make()
        command = [sys.executable, "-c", MEASURE_MEMORY]
        done = subprocess.run(command, input=data, capture_output=True, check=True)
        address_space, resident = map(int, done.stdout.split())
        typer.echo(f"| {name} | {len(data) / 1e3:.0f} | {address_space / 1e6:.0f} | {resident / 1e6:.0f} |")


def photograph(picture: NDArray[np.uint8], random: np.random.Generator) -> bytes:
    """Enlarge a picture `(H, W, 3)` to 12 megapixels, add a sensor's noise and save it as JPEG."""
    large = Image.fromarray(picture).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    noisy = np.asarray(large) + random.normal(0, NOISE, (HEIGHT, WIDTH, 1)).astype(np.float32)
    stream = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _compare(classifier: Classifier, task_dir: Path, each: int) -> str:
    """Return a row of the table: times, and what the reduction changes."""
    info = classifier.info
    full_ms, reduced_ms, differences, jitters = [], [], [], []
    other_labels = jittered_labels = 0
    for picture in _pictures(task_dir, each):
        data = photograph(picture, np.random.default_rng(SEED))
        started = time.process_time()
        full = preprocess(decode(data), info.preprocessing, info.input)
        between = time.process_time()
        reduced = classifier.prepare(data)
        full_ms.append(1000 * (between - started))
        reduced_ms.append(1000 * (time.process_time() - between))
        expected, found, jittered = classifier.predict([full, reduced, _jittered(full)])
        other_labels += expected.label != found.label
        jittered_labels += expected.label != jittered.label
        differences.append(np.abs(np.subtract(expected.probabilities, found.probabilities)).max())
        jitters.append(np.abs(np.subtract(expected.probabilities, jittered.probabilities)).max())
    cells = (
        info.task,
        len(differences),
        f"{np.median(full_ms):.1f} ms",
        f"{np.median(reduced_ms):.1f} ms",
        other_labels,
        *(f"{np.percentile(differences, share):.4f}" for share in (50, 99, 100)),
        jittered_labels,
        *(f"{np.percentile(jitters, share):.4f}" for share in (50, 100)),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _pictures(task_dir: Path, each: int) -> list[NDArray[np.uint8]]:
    """Return random validation pictures, `(H, W, 3)`; digits as drawings and photographs in every style."""
    rows = [row for row in read_manifest(task_dir) if row.split == "val"]
    random = np.random.default_rng(SEED)
    chosen = random.choice(len(rows), min(each, len(rows)), replace=False)
    pictures = [decode(read_picture(task_dir, rows[index].path)) for index in chosen]
    if task_dir.name != "digit":
        return pictures
    styles = list(STYLES)
    return [render(digit[..., 0], styles[number % len(styles)], random) for number, digit in enumerate(pictures)]


def _jittered(prepared: Prepared) -> Prepared:
    if prepared.pixels is None:
        return prepared
    change = np.random.default_rng(SEED).integers(-1, 2, prepared.pixels.shape)
    return Prepared((prepared.pixels + change).clip(0, 255).astype(np.uint8), prepared.reason)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.decoding")
