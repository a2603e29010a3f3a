"""The routes beside the predictions, over real HTTP."""

import httpx
import pytest

from models.catalog import TASKS
from tests.helpers.project import example
from tests.helpers.server import Server


def get(server: Server, path: str, **headers: str) -> httpx.Response:
    return httpx.get(server.url + path, headers=headers, timeout=60)


def test_models_tell_what_is_loaded(server: Server) -> None:
    listed = get(server, "/models").json()
    assert listed["default"] == "digit"
    assert [model["task"] for model in listed["models"]] == list(TASKS)
    for model in listed["models"]:
        assert model["available"] is True
        assert (model["error"], model["source"], model["engine"]) == (None, "bundled", "litert")
        assert model["version"]
        assert len(model["revision"]) == 64
        assert all({"id", "es", "en"} == set(label) for label in model["labels"])
        assert model["metrics"]["test"]["n"] > 0
        assert get(server, f"/models/{model['task']}").json() == model


def test_the_list_says_that_pneumonia_is_no_diagnosis(server: Server) -> None:
    assert "diagnóstico" in get(server, "/models/pneumonia").json()["disclaimer"]
    assert get(server, "/models/digit").json()["disclaimer"] is None


def test_health(server: Server) -> None:
    assert get(server, "/health/live").json() == {"status": "live"}
    ready = get(server, "/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "reason": None, "ready": list(TASKS), "unavailable": []}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/predict", 405, "method_not_allowed"),
        ("PUT", "/predict/digit", 405, "method_not_allowed"),
        ("POST", "/models", 405, "method_not_allowed"),
        ("GET", "/models/digit/reload", 405, "method_not_allowed"),
        ("DELETE", "/health/live", 405, "method_not_allowed"),
        ("GET", "/predict/digit/more/of/it", 404, "not_found"),
        ("GET", "/health", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/models/cat", 404, "unknown_task"),
        ("POST", "/predict/cat", 404, "unknown_task"),
    ],
)
def test_wrong_addresses_have_the_shape_of_the_contract(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    response = httpx.request(method, server.url + path, timeout=60)
    assert response.status_code == status
    assert set(response.json()) == {"error", "code", "request_id"}
    assert response.json()["code"] == code
    assert ("Allow" in response.headers) == (status == 405)


def test_an_unknown_task_is_told_which_there_are(server: Server) -> None:
    error = get(server, "/models/cat").json()["error"]
    assert all(task in error for task in (*TASKS, "cat"))


def test_a_parameter_of_the_wrong_type(server: Server) -> None:
    files = {"file": ("a.png", example("digit").read_bytes())}
    response = httpx.post(f"{server.url}/predict?explain=perhaps", files=files, timeout=60)
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"
    assert "explain" in response.json()["error"]


def test_the_documentation_is_the_contract(server: Server) -> None:
    assert get(server, "/docs").status_code == 200
    contract = get(server, "/openapi.json").json()
    assert set(contract["paths"]) == {
        "/predict", "/predict/{task}", "/models", "/models/{task}", "/models/{task}/reload", "/health/live",
        "/health/ready",
    }  # fmt: skip
    reload = contract["paths"]["/models/{task}/reload"]["post"]
    assert set(reload["responses"]) == {"200", "401", "404", "409", "422", "502"}
    assert reload["security"] == [{"admin key": []}]
    assert "model" in reload["requestBody"]["content"]["application/json"]["schema"]["properties"]
    predict = contract["paths"]["/predict/{task}"]["post"]
    assert set(predict["responses"]) == {"200", "400", "404", "413", "415", "422", "503", "504"}
    assert "file" in predict["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert "diagnóstico" in contract["info"]["description"]
    assert "HTTPValidationError" not in contract["components"]["schemas"]


def test_the_page_is_there_and_loads_nothing_from_elsewhere(server: Server) -> None:
    page = get(server, "/")
    assert page.status_code == 200
    assert "Neumonía" in page.text
    assert "fonts.googleapis.com" not in page.text
    assert "fonts.googleapis.com" not in get(server, "/theme.css").text


def test_the_page_is_sent_in_the_language_that_the_browser_prefers(server: Server) -> None:
    assert "Pneumonia" in get(server, "/", **{"Accept-Language": "fr,en;q=0.5"}).text
    assert "Neumonía" in get(server, "/", **{"Accept-Language": "fr"}).text
    assert "Pneumonia" in get(server, "/config", **{"Accept-Language": "en"}).text
