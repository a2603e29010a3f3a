"""Classifiers of a person's own: what is found in `runs/` where the server was started."""

import httpx

from models import bundle
from models.catalog import BUNDLED
from tests.helpers.http import ask, by_client, the_same_answer
from tests.helpers.project import example
from tests.helpers.server import Server


def test_it_answers_as_the_three_do(own: Server) -> None:
    answer = ask(own, "/predict/mis-rosas", example("digit", 1).read_bytes()).json()
    assert (answer["task"], answer["label"], answer["verdict"]) == ("mis-rosas", "clase 3", "confident")
    assert the_same_answer(by_client(own, "mis-rosas", example("digit", 1)), answer)


def test_it_is_listed_after_the_three(own: Server) -> None:
    models = {model["task"]: model for model in httpx.get(f"{own.url}/models", timeout=60).json()["models"]}
    assert list(models) == ["pneumonia", "digit", "flower", "mis-rosas", "torn"]
    assert models["mis-rosas"]["source"] == "local"
    assert models["mis-rosas"]["labels"][3] == {"id": "clase 3", "es": "Rosa ñ3 <b>", "en": "Rosa ñ3 <b>"}
    ready = httpx.get(f"{own.url}/health/ready", timeout=60).json()
    assert (ready["status"], ready["unavailable"]) == ("ready", ["torn"])


def test_a_damaged_one_is_named_at_start_and_refused(own: Server) -> None:
    (warning,) = [line for line in own.log.read_text().splitlines() if line.startswith("Warning:")]
    assert warning.startswith("Warning: torn is not available: ")
    refused = ask(own, "/predict/torn", example("digit").read_bytes())
    assert (refused.status_code, refused.json()["code"]) == (503, "model_not_loaded")


def test_an_experiment_with_digits_does_not_replace_what_ships(own: Server) -> None:
    shipped = bundle.load(BUNDLED / "digit").version
    assert httpx.get(f"{own.url}/models/digit", timeout=60).json()["version"] == shipped != "9.9.9"
