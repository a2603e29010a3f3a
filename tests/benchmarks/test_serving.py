"""`python -m benchmarks.serving`: its tables, and the parts that measure."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import serving
from benchmarks.http import client, limit
from benchmarks.http.report import COLUMNS, IDLE_COLUMNS, Idle, Results, Sample, spread, tables
from benchmarks.serving import TASKS
from models.errors import VistazoError
from spaces_config import processes
from tests.helpers.project import EXAMPLES, ROOT, example

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None and "CI" not in os.environ, reason="wrk is not installed: apt-get install wrk"
)


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


@needs_wrk
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_vistazo_is_measured_next_to_the_limit(tmp_path: Path) -> None:
    output = tmp_path / "results.md"
    options = ("--seconds", "1", "--rounds", "1", "--warm-up", "0", "--idle", "0")
    what = ("--servers", "vistazo", "--tasks", "digit", "--clients", "1")
    command = [sys.executable, "-m", "benchmarks.serving", *what, *options, "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert output.read_text(encoding="utf-8") == done.stdout
    header, _, bound, vistazo, idle_header, _, idle = rows(done.stdout)
    assert header == list(COLUMNS)
    assert idle_header == list(IDLE_COLUMNS)
    assert [row[0] for row in (bound, vistazo, idle)] == ["limit, no HTTP", "Vistazo", "Vistazo"]
    for row in (bound, vistazo):
        cells = dict(zip(COLUMNS, row, strict=True))
        assert float(cells["requests/s"].replace(",", "")) > 0
        assert 0 < float(cells["p50, ms"]) <= float(cells["p95, ms"]) <= float(cells["p99, ms"])
        assert cells["errors"] == "0"
        assert float(cells["memory, MB"]) > 10
        assert float(cells["CPU, ms"]) > 0
    assert float(dict(zip(COLUMNS, vistazo, strict=True))["client's CPU, ms"]) > 0
    assert "Python 3." in done.stdout


@pytest.mark.parametrize(("option", "name"), [("--servers", "apache"), ("--tasks", "pneumonia"), ("--clients", "many")])
def test_a_wrong_option_is_one_sentence(option: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["serving", option, name])
    with pytest.raises(SystemExit) as ended:
        serving.main()
    assert str(ended.value.code).startswith(f"error: {option} has {name!r}: ")


def test_without_wrk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VistazoError, match="apt-get install wrk"):
        client.find_wrk()


def test_the_output_of_wrk_is_parsed() -> None:
    line = '{"requests": 90, "seconds": 2.5, "p50_ms": 1.5, "p95_ms": 2, "p99_ms": 3, "refused": 9, "broken": 2}'
    load = client.parse(f"Running 2s test @ http://127.0.0.1\n{line}\n", client_cpu_s=0.5)
    assert (load.requests, load.served, load.broken, load.seconds, load.p99_ms) == (90, 81, 2, 2.5, 3)


def test_a_failure_of_wrk_is_reported() -> None:
    with pytest.raises(VistazoError, match="unable to connect"):
        client.parse("unable to connect to 127.0.0.1:1 Connection refused\n", client_cpu_s=0)


@needs_wrk
def test_a_server_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(VistazoError, match="wrk failed"):
        client.send("http://127.0.0.1:9/predict", client.write_bodies([example("digit")], tmp_path), 1, 1)


def test_a_body_is_a_form_with_the_picture(tmp_path: Path) -> None:
    (path,) = client.write_bodies([example("digit")], tmp_path)
    body = path.read_bytes()
    assert body.startswith(b'--vistazo\r\nContent-Disposition: form-data; name="file"; filename="2.png"\r\n')
    assert example("digit").read_bytes() in body
    assert body.endswith(b"\r\n--vistazo--\r\n")


def test_the_statistics_of_a_process_are_parsed() -> None:
    numbers = " ".join(map(str, range(4, 53)))
    process = processes.parse_stat(f"71 (a) b (c) S {numbers}\n".replace(" S 4 5 6 ", " S 1 70 69 "))
    assert (process.pid, process.parent, process.session, process.start) == (71, 1, 69, 22)
    assert process.cpu_s == (14 + 15 + 16 + 17) / processes.TICKS_PER_S


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tree_has_children_and_lost_grandchildren() -> None:
    # The shell in between ends, and so its child loses its parent; only the session tells whose it is.
    command = "(sleep 60 & echo lost $!); sleep 60 & echo child $!; while :; do :; done"
    with subprocess.Popen(["/bin/sh", "-c", command], stdout=-1, text=True, start_new_session=True) as shell:
        assert shell.stdout is not None
        pids = {shell.pid, *(int(shell.stdout.readline().split()[1]) for _ in range(2))}
        members = processes.tree(shell.pid)
        assert {member.pid for member in members} == pids
        deadline = time.monotonic() + 10
        while processes.cpu_s(shell.pid) == 0:
            assert time.monotonic() < deadline, "the loop of the shell takes processor time"
        assert processes.memory_mb(pids) > 0
        processes.kill(members)
    deadline = time.monotonic() + 10
    while processes.tree(shell.pid):
        assert time.monotonic() < deadline, "all of them have ended"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_limit_gives_the_labels_in_the_names_of_the_pictures() -> None:
    pictures = sorted(path for path in (EXAMPLES / "digit").iterdir() if path.suffix == ".png")
    with limit.running("digit", pictures, 1) as running:
        assert running.labels == [path.stem for path in pictures]
        assert running.run(1, 0.05).rate > 0


def test_a_cell_has_the_median_and_the_spread() -> None:
    assert spread([3, 1, 2000], ",.0f") == "3 (1 to 2,000)"
    assert spread([0.5, 0.501], ".0%") == "50%"


def test_shares_are_of_the_limit_of_the_same_round() -> None:
    def sample(rate: float, refused: int = 0) -> Sample:
        return Sample(rate, 1, 2, 3, refused, 0, 50, 1, 0.1, 0)

    found = {
        (task, 4, name): samples
        for task in TASKS
        for name, samples in {"limit": [sample(100), sample(200)], "vistazo": [sample(50), sample(50, 7)]}.items()
    }
    page = tables(Results(found, {("digit", "vistazo"): [Idle(1.5, 300, 0.01)]}), {"limit": "limit", "vistazo": "V"})
    digit, flower = page.split("\n## flower\n")
    assert rows(digit)[3][:3] == ["V", "50", "38% (25% to 50%)"]
    assert rows(digit)[3][7] == "7 refused"
    assert rows(digit)[-1] == ["V", "1.5", "300", "1.0%"]
    assert len(rows(flower)) == 4
