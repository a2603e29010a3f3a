"""The notebook runs from its first cell to its last in a Jupyter kernel, on printed digits instead of MNIST."""

import base64
import io
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image

from models.bundle import InputSize
from models.images.preprocessing import preprocess
from models.loading import load_classifier
from tests.helpers.project import EXAMPLES, ROOT
from tests.helpers.samples import idx, own_folder, printed, write_files
from train.bundling.litert import TOLERANCE
from train.run import CURVES_NAME

NOTEBOOK = ROOT / "notebooks" / "vistazo.ipynb"
CELL_S = 240  # on a busy machine; the longest cell takes 15 s on a quiet one
DIGITS = 10


@dataclass(frozen=True)
class Walk:
    """The executed notebook, and the folder that it wrote to."""

    notebook: Any
    folder: Path

    def outputs(self, code: str) -> list[Any]:
        """Return the outputs of the only cell that contains `code`."""
        (cell,) = (cell for cell in self.notebook.cells if cell.cell_type == "code" and code in cell.source)
        outputs: list[Any] = cell.outputs
        return outputs

    def stdout(self, code: str) -> str:
        """Return what that cell printed."""
        return "".join(output.text for output in self.outputs(code) if output.get("name") == "stdout")

    def pictures(self, code: str) -> list[bytes]:
        """Return the PNG files that that cell displayed."""
        return [
            base64.b64decode(output.data["image/png"])
            for output in self.outputs(code)
            if output.output_type == "display_data" and "image/png" in output.data
        ]

    @property
    def run(self) -> Path:
        """The directory of the training run."""
        (path,) = (self.folder / "runs").glob("*/run.json")
        return path.parent


def small_mnist(folder: Path) -> Path:
    """Write printed digits in the format of MNIST: 28 by 28 pixels, in four files with the names of the originals."""
    random = np.random.default_rng(0)
    size = InputSize(height=28, width=28, channels=1)

    def pictures(each: int) -> Any:
        drawn = (np.asarray(printed(str(n % DIGITS), random).convert("RGB")) for n in range(each * DIGITS))
        prepared = [preprocess(rgb, "mnist", size).pixels for rgb in drawn]
        return np.stack([pixels[..., 0] for pixels in prepared if pixels is not None])

    files = {}
    for part, each in (("train", 48), ("t10k", 6)):
        files[f"{part}-images-idx3-ubyte"] = idx(pictures(each))
        files[f"{part}-labels-idx1-ubyte"] = idx(np.tile(np.arange(DIGITS, dtype=np.uint8), each))
    return write_files(folder, files)


def with_choices(source: str, choices: dict[str, str]) -> str:
    """Return the cell of options with other values. Each name must be assigned exactly once."""
    lines = source.splitlines()
    for name, value in choices.items():
        (number,) = (number for number, line in enumerate(lines) if line.startswith(f"{name} = "))
        lines[number] = f"{name} = {value}"
    return "\n".join(lines)


def execute(choices: dict[str, str], folder: Path, until: str = "", in_colab: bool = False) -> Walk:
    """Run the notebook, a second time when a message of the kernel was lost (jupyter/jupyter_client#922).

    The kernel is then idle, and its client waits until the time of the cell is up.
    """
    try:
        return _execute(choices, folder, until, in_colab)
    except CellTimeoutError:
        again = folder / "again"
        again.mkdir()
        return _execute(choices, again, until, in_colab)


def _execute(choices: dict[str, str], folder: Path, until: str, in_colab: bool) -> Walk:
    """Run the notebook with these options, in its own folder as Jupyter does.

    Stop after the cell that contains `until`, if given. `in_colab` runs it in an empty folder, in a kernel that claims
    to be Colab's.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    where = {"DATA_DIR": f"Path({str(folder / 'data')!r})", "RUNS_DIR": f"Path({str(folder / 'runs')!r})"}
    first.source = with_choices(first.source, choices | where)
    if in_colab:
        first.source += '\nimport sys\nsys.modules["google.colab"] = sys'
    if until:
        (last,) = (number for number, cell in enumerate(notebook.cells) if until in cell.source)
        notebook.cells = notebook.cells[: last + 1]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "TMPDIR"):
            path = folder / name.lower()  # independent of the developer's own kernels and profile
            path.mkdir()
            patch.setenv(name, str(path))
        directory = {"metadata": {"path": str(folder if in_colab else NOTEBOOK.parent)}}
        NotebookClient(notebook, timeout=CELL_S, kernel_name="python3", resources=directory).execute()
    return Walk(notebook, folder)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("notebook")
    return execute({"SOURCE": repr(str(small_mnist(folder / "source"))), "EPOCHS": "2"}, folder)


def test_every_cell_runs_and_none_warns(walk: Walk) -> None:
    cells = [cell for cell in walk.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error"
            text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
            assert not re.search(r"\w+Warning\b", text), text


def test_the_curves_and_the_confusion_matrix_are_shown(walk: Walk) -> None:
    assert walk.pictures("CURVES_NAME") == [(walk.run / CURVES_NAME).read_bytes()]
    assert walk.pictures("confusion.png") == [(walk.run / "report-test" / "confusion.png").read_bytes()]


def test_pictures_are_shown_with_their_label_and_prediction(walk: Walk) -> None:
    for code, least in (("random", 1), ("galleries", 4)):
        pictures = walk.pictures(code)
        predictions = re.findall(r"^label: \d, prediction: (\d|None) \(", walk.stdout(code), re.MULTILINE)
        assert len(pictures) == len(predictions) >= least
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as image:
                assert image.size == (160, 160)


def test_the_report_has_a_line_for_each_label(walk: Walk) -> None:
    pages = [output.get("data", {}).get("text/html", "") for output in walk.outputs("class_rows")]
    figures, classes = (page for page in pages if page.startswith("<table"))
    assert "accuracy" in figures
    assert re.findall(r"<tr><td>(\d)</td>", classes) == [str(digit) for digit in range(DIGITS)]


def test_the_saved_model_can_be_loaded_and_predicts_as_shown(walk: Walk, tmp_path: Path) -> None:
    with zipfile.ZipFile(walk.stdout("make_archive").strip()) as archive:
        archive.extractall(tmp_path)
    picture = (EXAMPLES / "digit" / "7.png").read_bytes()
    classifier = load_classifier(tmp_path / "bundle")
    prediction = classifier.classify(picture)
    best = [f"{label}: {probability:.1%}" for label, probability in prediction.top(3)]
    assert walk.stdout("PICTURE").splitlines() == [prediction.verdict.value, *best]

    pixels = classifier.prepare(picture).pixels
    assert pixels is not None
    logits = keras.saving.load_model(tmp_path)(pixels[np.newaxis].astype(np.float32))
    exponents = np.exp(keras.ops.convert_to_numpy(logits)[0] / classifier.info.temperature)
    np.testing.assert_allclose(prediction.probabilities, exponents / exponents.sum(), atol=TOLERANCE)


def test_another_folder_of_pictures_can_be_loaded(tmp_path: Path) -> None:
    photos = write_files(tmp_path / "photos", own_folder({"a": 12, "b": 12}))
    walk = execute({"TASK": "'birds'", "SOURCE": repr(str(photos)), "ARCH": "'cnn'"}, tmp_path, until="recipe_for")
    assert "birds: 2 classes, 24 pictures" in walk.stdout("recipe_for")


def test_in_colab_the_repository_is_cloned(tmp_path: Path) -> None:
    repository = write_files(tmp_path / "repository", {"train/__init__.py": b"", "requirements.txt": b"numpy\n"})
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "All")):
        subprocess.run(["git", *words], cwd=repository, check=True)
    walk = execute({"REPOSITORY": repr(repository.as_uri())}, tmp_path, until="git clone", in_colab=True)
    assert (tmp_path / "vistazo" / "train").is_dir()
    assert str(tmp_path / "vistazo") in walk.stdout("git clone").splitlines()


def test_in_colab_the_error_asks_for_the_missing_address(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="Escribe en REPOSITORY"):
        execute({}, tmp_path, until="git clone", in_colab=True)


def test_it_is_stored_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
