"""The workflows are valid, may do little, and run what their names say at the time when it was looked at."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers.project import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_schema(path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/[\w-]+\.yml", action)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_be_written_to_the_repository(path: Path) -> None:
    said = yaml.safe_load(path.read_text())
    granted = [said["permissions"], *(job.get("permissions", {}) for job in said["jobs"].values())]
    assert all(value == "read" for each in granted for value in each.values())
    for job in said["jobs"].values():
        for step in job.get("steps", []):
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "what comes from outside goes through env: it is no code"


def test_a_tag_is_tested_before_anything_is_published() -> None:
    said = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    jobs = said["jobs"]
    assert said[True]["push"]["tags"] == ["v*"]  # YAML 1.1 reads the key `on` as true
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    assert "test" in jobs["models"]["needs"]
    assert {"test", "models"} <= set(jobs["space"]["needs"])
    secret = [name for name, job in jobs.items() if "secrets.HF_TOKEN" in str(job)]
    assert secret == ["models", "space"]
