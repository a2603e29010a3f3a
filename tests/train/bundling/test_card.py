"""The model card: what the Hub reads in it, that both languages say the same, and that its snippets run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from huggingface_hub import ModelCard
from numpy.typing import NDArray
from PIL import Image

from models import bundle
from models.classifier import Classifier, softmax
from models.images.decoding import decode
from models.loading import load_classifier
from tests.helpers.project import environment
from tests.helpers.tiny_runs import FOLDER_LABELS
from train.bundling.card_text import LANGUAGES, CardFormatter
from train.bundling.front_matter import HUB_METRICS
from train.evaluation.robustness import CONDITION_TITLES
from train.evaluation.tables import METRIC_TEXTS
from train.manifest import Row, picture_file, read_manifest

PULL = 'snapshot_download("USER/NAME")'
# Runs each snippet as a person would who has no Vistazo: in a folder of its own, with the picture in it.
RUNNER = """
import contextlib, importlib.util, io, json, os, sys
import numpy as np
assert importlib.util.find_spec("train") is None and importlib.util.find_spec("models") is None
answers = {}
for folder, code in json.load(sys.stdin).items():
    os.chdir(folder)
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    answers[folder] = printed.getvalue()
    np.save("pixels.npy", names["pixels"])
    if "keras" in names:
        np.save("logits.npy", names["network"].predict(names["pixels"][np.newaxis], verbose=0)[0])
print(json.dumps(answers))
"""


def text_of(run: Path) -> str:
    return (run / "bundle" / bundle.CARD_NAME).read_text(encoding="utf-8")


def halves(text: str) -> tuple[str, str]:
    """The Spanish and the English part."""
    _, spanish, english = re.split(r"^## (?:Español|English)$", text, flags=re.MULTILINE)
    return spanish, english


def snippets(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_the_hub_reads_what_it_is(run: Path) -> None:
    manifest = bundle.load(run / "bundle")
    text = text_of(run)
    card = ModelCard(text)
    assert card.content == text, "what the Hub's library writes back is another text"
    data = card.data
    assert (data["library_name"], data["pipeline_tag"]) == ("keras", "image-classification")
    assert data["language"] == ["es", "en"]
    assert {"vistazo", manifest.task} <= set(data["tags"])
    assert data["model_name"] == f"vistazo-{manifest.task}"
    measured = manifest.metrics["test"].metrics
    expected = {kind: measured[name].value for name, (kind, _) in HUB_METRICS.items() if name in measured}
    assert {result.metric_type: result.metric_value for result in data["eval_results"]} == expected
    assert data["metrics"] == list(expected)
    named = {(result.dataset_name, result.dataset_split) for result in data["eval_results"]}
    assert named == {(manifest.data.name, "test")}


def test_the_terms_are_the_projects_or_not_recorded(runs: dict[str, Path]) -> None:
    digit, pneumonia, own = (ModelCard(text_of(run)).data for run in runs.values())
    assert [terms["license"] for terms in (digit, pneumonia, own)] == ["mit", "mit", "other"]
    assert own["license_name"] == "not-recorded"
    assert digit["datasets"] == ["ylecun/mnist"]
    assert own["datasets"] is None


def test_both_languages_give_the_same_numbers(run: Path) -> None:
    def numbers(half: str) -> list[str]:
        prose = re.sub(r"```.*?```|`[^`]*`|### Licenc.*", "", half, flags=re.DOTALL)
        return re.findall(r"\d+(?:[.,]\d+)*", prose)

    spanish, english = map(numbers, halves(text_of(run)))
    assert [number.translate(str.maketrans(",.", ".,")) for number in spanish] == english
    assert len(english) > 40


def test_both_languages_have_the_same_parts(run: Path) -> None:
    def parts(half: str) -> tuple[int, list[str], list[str]]:
        return half.count("\n### "), re.findall(r"\]\((.*?)\)", half), re.findall(r"```.*?```", half, flags=re.DOTALL)

    spanish, english = halves(text_of(run))
    assert parts(spanish) == parts(english)
    assert parts(english)[0] >= 8
    for words in ("Intended use and limits", "who is missing", "Rejected pictures", "Calibration"):
        assert words in english
    assert ("### Robustness" in english) == (run.name == "pneumonia")


def test_the_card_shows_pictures_that_are_there(run: Path) -> None:
    shown = set(re.findall(r"!\[.+?\]\((.*?)\)", text_of(run)))
    assert {"figures/confusion.png", "figures/roc.png", "figures/reliability.png", "figures/curves.png"} == shown
    assert shown <= set(bundle.load(run / "bundle").files)


def test_an_x_ray_model_says_first_that_it_is_no_diagnosis(runs: dict[str, Path]) -> None:
    for task, run in runs.items():
        after_title = text_of(run).partition(f"# Vistazo {task} ")[2].split("\n", 2)[2].lstrip()
        first = after_title.partition("[Español]")[0]
        assert first.startswith("> Esto no es un diagnóstico.") == (task == "pneumonia")
        assert ("> This is not a diagnosis." in first) == (task == "pneumonia")


def test_names_that_a_person_gave_are_text(runs: dict[str, Path]) -> None:
    text = text_of(runs["mis-fotos"])
    assert r"perro\|gato, rosa \<b\>ñ" in text
    assert not any(label in text for label in FOLDER_LABELS)
    assert "no consta" in text
    assert "is not recorded" in text


def test_every_figure_and_alteration_has_its_words(runs: dict[str, Path]) -> None:
    manifest = bundle.load(runs["pneumonia"] / "bundle")
    for language in LANGUAGES:
        formatter = CardFormatter(language, manifest)
        figures = {name for measured in manifest.metrics.values() for name in measured.metrics}
        assert all(formatter.metric_name(name) for name in figures | {"rejected", "heat_inside"})
        assert all(formatter.condition(name) for name in CONDITION_TITLES)
    assert figures <= set(METRIC_TEXTS)


@pytest.fixture(scope="module")
def answered(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, bytes]]:
    """By task a folder with `picture.png`, a picture of the test that Vistazo takes as it is, and its bytes."""
    folders = {}
    for task, run in runs.items():
        folder = tmp_path_factory.mktemp(task)
        pixels = decode(_test_picture(run).read_bytes())
        if task == "digit":
            prepared = load_classifier(run / "bundle").prepare(_test_picture(run).read_bytes()).pixels
            assert prepared is not None
            pixels = np.repeat(prepared, 3, axis=2)
        Image.fromarray(pixels).save(folder / "picture.png")
        folders[task] = (folder, (folder / "picture.png").read_bytes())
    return folders


def _test_picture(run: Path) -> Path:
    task_dir = run.parent / "data" / run.name
    row: Row = next(row for row in read_manifest(task_dir) if row.split == "test")
    return picture_file(task_dir, row.path)


@pytest.mark.parametrize("engine", ["keras", "litert"])
def test_the_snippets_answer_as_vistazo_does(
    runs: dict[str, Path], answered: dict[str, tuple[Path, bytes]], engine: str
) -> None:
    codes = {}
    for task, run in runs.items():
        spanish, english = halves(text_of(run))
        assert snippets(spanish) == snippets(english)
        picture, *engines = snippets(english)
        assert PULL in picture
        code = picture + engines[["keras", "litert"].index(engine)]
        codes[str(answered[task][0])] = code.replace(PULL, repr(str(run / "bundle")))
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER],
        input=json.dumps(codes),
        cwd=next(iter(codes)),
        env=environment(TF_CPP_MIN_LOG_LEVEL="3"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    for task, run in runs.items():
        folder, data = answered[task]
        classifier = load_classifier(run / "bundle")
        prediction = classifier.classify(data)
        np.testing.assert_array_equal(np.load(folder / "pixels.npy"), classifier.prepare(data).pixels)
        lines = [line.split(" ", 1) for line in printed[str(folder)].splitlines()]
        assert [label for _, label in lines] == list(prediction.labels)
        np.testing.assert_allclose([float(p) for p, _ in lines], prediction.probabilities, atol=1e-3)
        if engine == "keras":
            np.testing.assert_allclose(
                softmax(np.load(folder / "logits.npy")), _by_the_run(run, classifier, data), atol=1e-4
            )


def _by_the_run(run: Path, classifier: Classifier, data: bytes) -> NDArray[np.float64]:
    """The probabilities by the network that `fit` kept."""
    pixels = classifier.prepare(data).pixels
    assert pixels is not None
    network = keras.saving.load_model(run, compile=False)
    return softmax(network.predict(pixels[np.newaxis].astype(np.float32), verbose=0)[0])
