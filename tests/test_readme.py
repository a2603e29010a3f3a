"""The code of the READMEs and docs/api.md runs, and the values in tables are those of the bundles and settings."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from models import bundle
from models.__main__ import app as models_commands
from models.catalog import BUNDLED, TASKS
from models.loading import load_classifier
from serving.settings import Settings
from tests import markdown
from tests.helpers.project import EXAMPLES, ROOT, environment
from tests.helpers.server import Server
from tests.markdown import DOCS, READMES, table_rows

REPORTS = DOCS / "reports"
API = DOCS / "api.md"
PRINCIPAL = {"digit": "accuracy", "flower": "accuracy", "pneumonia": "roc_auc"}
ADDRESS = "http://localhost:5000"
IN_SPANISH = [page for page in markdown.PAGES if page.name.endswith(".es.md")]
PYTHON = sorted({code for page in (READMES[0], API) for code in markdown.blocks(page, "python")})


def without_comments(code: str) -> list[str]:
    return [re.sub(r"DATE-TIME|FECHA-HORA", "", line.split(" # ")[0]).strip() for line in code.splitlines()]


@pytest.mark.parametrize("spanish", IN_SPANISH, ids=markdown.name)
@pytest.mark.parametrize("language", ["sh", "bat", "json", "python"])
def test_both_languages_show_the_same_code(spanish: Path, language: str) -> None:
    english = spanish.with_name(spanish.name.replace(".es.md", ".md"))
    shown = [[without_comments(code) for code in markdown.blocks(page, language)] for page in (english, spanish)]
    assert shown[0] == shown[1]


def shell_lines() -> list[str]:
    """The lines of the shell blocks that can be run here: without a key, a download or an installation."""
    text = "".join(block for page in (READMES[0], API) for block in markdown.blocks(page, "sh"))
    return sorted({line.partition("  # ")[0] for line in text.splitlines()})


def curl_lines() -> list[str]:
    return [line for line in shell_lines() if line.startswith('curl -F "file=@')]


def post(server: Server, line: str) -> Any:
    """Send what a curl line sends, to `server`; return the fields of the response."""
    _, _, form, url = shlex.split(line)
    port, path = re.fullmatch(r"http://localhost:(\d+)(/.*)", url).groups()  # type: ignore[union-attr]
    if port == "8000":
        path = path.replace("/predict", "/predict/pneumonia")  # what --task does there is a test of its own
    picture = (ROOT / form.removeprefix("file=@")).read_bytes()
    response = httpx.post(server.url + path, files={"file": picture}, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("line", curl_lines())
def test_the_curl_lines_classify(server: Server, line: str) -> None:
    fields = post(server, line)
    assert fields["label"] in {"7", "daisy", "pneumonia"}
    assert (fields.get("heat_map") is not None) == ("explain=true" in line)


def test_there_are_curl_lines() -> None:
    assert len(curl_lines()) == 4


def test_curl_itself_is_understood(server: Server) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    command = shlex.split(curl_lines()[0].replace(ADDRESS, server.url))
    done = subprocess.run([*command, "--silent"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["label"] in {"7", "daisy"}


def test_the_response_shown_is_that_of_the_first_curl_line(server: Server) -> None:
    (line, *_) = (line for line in markdown.blocks(READMES[0], "sh")[1].splitlines() if line.startswith("curl"))
    (shown,) = map(json.loads, markdown.blocks(READMES[0], "json"))
    fields = post(server, line)
    assert list(shown) == list(fields)
    for name, value in shown.items():
        if "…" not in str(value) and name != "elapsed_ms":
            assert fields[name] == value
    assert shown["top"][0] == fields["top"][0]
    assert shown["model"].keys() == fields["model"].keys()
    documented = {name for row in table_rows(API) for name in re.findall(r"`(\w+)`", row[0])}
    assert fields.keys() <= documented


def test_the_error_shown_is_that_of_a_request_without_a_file(server: Server) -> None:
    (shown,) = map(json.loads, markdown.blocks(API, "json"))
    fields = httpx.post(f"{server.url}/predict", data={"other": "field"}, timeout=60).json()
    assert fields.keys() == shown.keys()
    assert fields["code"] == shown["code"]


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_blocks_run(server: Server, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code.replace(ADDRESS, server.url)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\b7\b", done.stdout)


def test_the_line_for_many_files_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = (line for line in shell_lines() if "models classify" in line)
    _, _, _, *arguments = shlex.split(line)
    shutil.copytree(EXAMPLES / "digit", tmp_path / "serving" / "examples" / "digit")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(models_commands, arguments)
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()) == 6


def test_the_settings_are_those_that_exist() -> None:
    documented = {
        row[0].strip("`"): row[1] for row in table_rows(DOCS / "settings.md") if row[0].startswith("`VISTAZO_")
    }
    fields = {f"VISTAZO_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(documented) == list(fields)
    for name, default in documented.items():
        if default.isdigit():
            assert float(default) == fields[name].default


@pytest.mark.parametrize("readme", READMES, ids=markdown.name)
def test_the_figures_are_those_of_the_bundles(readme: Path) -> None:
    rows = {row[0]: row for row in table_rows(readme)}
    for task in TASKS:
        manifest = bundle.load(BUNDLED / task)
        measured = manifest.metrics["test"]
        figure = measured.metrics[PRINCIPAL[task]]
        size = manifest.files[bundle.MODEL_NAME].size / 1e6
        _, _, shown_size, pictures, value, interval = rows[task]
        decimal = "," if readme.name.endswith(".es.md") else "."
        shown = [text.replace(decimal, ".") for text in (shown_size, value, interval)]
        numbers = [float(number) for text in shown for number in re.findall(r"\d+\.\d+", text)]
        assert numbers == [
            pytest.approx(size, abs=0.05),
            *(pytest.approx(100 * part, abs=0.005) for part in (figure.value, figure.low, figure.high)),
        ]
        assert int(re.sub(r"\D", "", pictures)) == measured.n


@pytest.mark.parametrize("task", TASKS)
def test_the_report_is_of_the_shipped_model(task: str) -> None:
    report = json.loads((REPORTS / task / "metrics.json").read_text(encoding="utf-8"))
    shipped = load_classifier(BUNDLED / task, workers=1)
    assert report["split"] == "test"
    assert report["model"]["revision"] == shipped.revision
    measured = shipped.info.metrics["test"]
    assert {name: report["figures"][name] for name in measured.metrics} == {
        name: metric.model_dump() for name, metric in measured.metrics.items()
    }


@pytest.mark.parametrize("page", sorted(REPORTS.glob("README*.md")), ids=markdown.name)
def test_the_figures_reached_are_those_of_the_reports(page: Path) -> None:
    decimal = "," if page.name.endswith(".es.md") else "."
    shown = [row for row in table_rows(page) if row[0] in TASKS and row[1].startswith("`")]
    assert {row[0] for row in shown} == set(TASKS)
    for task, name, _, value, interval, *_ in shown:
        report = json.loads((REPORTS / task / "metrics.json").read_text(encoding="utf-8"))
        figure = report["figures"][name.strip("`")]
        numbers = [float(number) for number in re.findall(r"\d+\.\d+", f"{value} {interval}".replace(decimal, "."))]
        assert numbers == [pytest.approx(100 * figure[key], abs=0.005) for key in ("value", "low", "high")]
