"""What the READMEs say is what happens: their commands are run, their tables compared with the code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from models import bundle
from models.catalog import BUNDLED, TASKS
from models.classifier import Classifier
from serving.settings import Settings
from tests.helpers.project import ROOT, environment
from tests.helpers.server import Server

READMES = [ROOT / "README.md", ROOT / "README.es.md"]
REPORTS = ROOT / "docs" / "reports"
PAGES = [*READMES, *sorted((ROOT / "docs").rglob("*.md"))]
PRINCIPAL = {"digit": "accuracy", "flower": "accuracy", "pneumonia": "roc_auc"}


def blocks(readme: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def table_rows(readme: Path) -> list[list[str]]:
    lines = [line for line in readme.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def without_comments(code: str) -> list[str]:
    return [re.sub(r"DATE-TIME|FECHA-HORA", "", line.split(" # ")[0]).strip() for line in code.splitlines()]


@pytest.mark.parametrize("language", ["sh", "bat", "json", "python"])
def test_both_languages_show_the_same_code(language: str) -> None:
    english, spanish = (blocks(readme, language) for readme in READMES)
    assert english
    assert list(map(without_comments, english)) == list(map(without_comments, spanish))


def curl_lines() -> list[tuple[str, str]]:
    """The picture and the address of each curl line."""
    text = "".join(blocks(READMES[0], "sh"))
    return re.findall(r'^curl -F "file=@([^"]+)" "?(http://localhost:\d+[^"\s]+)', text, re.MULTILINE)


@pytest.mark.parametrize(("picture", "address"), curl_lines())
def test_the_curl_lines_are_answered(server: Server, picture: str, address: str) -> None:
    port, path = re.fullmatch(r"http://localhost:(\d+)(/.*)", address).groups()  # type: ignore[union-attr]
    if port == "8000":
        path = path.replace("/predict", "/predict/pneumonia")  # what --task does there is a test of its own
    answer = httpx.post(server.url + path, files={"file": (ROOT / picture).read_bytes()}, timeout=60)
    assert answer.status_code == 200, answer.text
    fields = answer.json()
    assert fields["label"] in {"7", "daisy", "pneumonia"}
    assert (fields.get("heat_map") is not None) == ("explain=true" in path)


def test_there_are_curl_lines() -> None:
    assert len(curl_lines()) == 3


def test_the_client_s_lines_are_answered(server: Server) -> None:
    (code,) = blocks(READMES[0], "python")
    assert "http://localhost:5000" in code
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://localhost:5000", server.url)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'label': '7'" in done.stdout


def test_the_settings_are_those_that_exist() -> None:
    documented = {row[0].strip("`"): row[1] for row in table_rows(READMES[0]) if row[0].startswith("`VISTAZO_")}
    fields = {f"VISTAZO_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(documented) == list(fields)
    for name, default in documented.items():
        if default.isdigit():
            assert float(default) == fields[name].default


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_linked_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not link.startswith("http") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("task", TASKS)
def test_the_report_is_of_the_shipped_model(task: str) -> None:
    report = json.loads((REPORTS / task / "metrics.json").read_text(encoding="utf-8"))
    shipped = Classifier.load(BUNDLED / task, workers=1)
    assert report["split"] == "test"
    assert report["model"]["revision"] == shipped.revision
    measured = shipped.info.metrics["test"]
    assert {name: report["figures"][name] for name in measured.metrics} == {
        name: metric.model_dump() for name, metric in measured.metrics.items()
    }


@pytest.mark.parametrize("page", sorted(REPORTS.glob("README*.md")), ids=lambda path: path.name)
def test_the_figures_reached_are_those_of_the_reports(page: Path) -> None:
    decimal = "," if page.name.endswith(".es.md") else "."
    shown = [row for row in table_rows(page) if row[0] in TASKS and row[1].startswith("`")]
    assert {row[0] for row in shown} == set(TASKS)
    for task, name, _, value, interval, *_ in shown:
        report = json.loads((REPORTS / task / "metrics.json").read_text(encoding="utf-8"))
        figure = report["figures"][name.strip("`")]
        numbers = [float(number) for number in re.findall(r"\d+\.\d+", f"{value} {interval}".replace(decimal, "."))]
        assert numbers == [pytest.approx(100 * figure[key], abs=0.005) for key in ("value", "low", "high")]
