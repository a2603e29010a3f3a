"""The Space's README.md says what is true, and what Hugging Face takes."""

from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from models.hub import source
from spaces_config import card
from spaces_config.errors import SpaceError
from tests.helpers.hub_stub.cards import faults_of_card
from tests.helpers.project import ROOT

SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = SHA[::-1]


def front_matter(readme: str) -> dict[str, object]:
    _, front, _ = readme.split("---\n", 2)
    read: dict[str, object] = yaml.safe_load(front)
    return read


def test_gradio_is_the_one_that_is_required_and_tested() -> None:
    pinned = str(card.build_card({}).data["sdk_version"])
    assert pinned == version("gradio")
    lines = (ROOT / "spaces_config" / "requirements.txt").read_text().splitlines()
    (required,) = [Requirement(line.partition("#")[0]) for line in lines if line.startswith("gradio>")]
    assert required.specifier.contains(pinned)


def test_python_is_the_one_that_the_tests_run_on() -> None:
    wanted = card.build_card({}).data["python_version"]
    for workflow in ("ci.yml", "release.yml"):
        said = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())
        steps = [step for job in said["jobs"].values() for step in job.get("steps", [])]
        versions = {step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")}
        assert versions == {wanted}


def test_it_is_taken_by_the_hub() -> None:
    readme = str(card.build_card(source.parse_all(f"digit=ana/digits@{SHA}"), "ana-vistazo"))
    assert faults_of_card(readme, "space") == ([], [])
    assert "https://ana-vistazo.hf.space/predict/digit" in readme
    fields = front_matter(readme)
    assert (ROOT / str(fields["app_file"])).is_file()
    assert 0 < len(str(fields["short_description"])) <= 60


def test_without_models_of_the_hub_nothing_is_fetched() -> None:
    fields = front_matter(str(card.build_card({})))
    assert not fields.keys() & {"models", "preload_from_hub"}
    assert card.variables({}) == {}


def test_models_of_the_hub_are_fetched_when_the_space_is_built() -> None:
    sources = source.parse_all(f"digit=ana/digits@{SHA},flower=ana/flowers@{OTHER}")
    fields = front_matter(str(card.build_card(sources)))
    assert fields["models"] == ["ana/digits", "ana/flowers"]
    # https://huggingface.co/docs/hub/spaces-config-reference: repository, files, commit
    assert fields["preload_from_hub"] == [
        f"ana/digits vistazo.json,model.tflite {SHA}",
        f"ana/flowers vistazo.json,model.tflite {OTHER}",
    ]
    assert card.variables(sources) == {"VISTAZO_MODELS": f"digit=ana/digits@{SHA},flower=ana/flowers@{OTHER}"}


@pytest.mark.parametrize("text", ["digit=ana/digits", "digit=ana/digits@v1", "digit=./runs/digit/bundle"])
def test_what_a_space_cannot_serve_is_refused(text: str) -> None:
    with pytest.raises(SpaceError, match="digit") as refused:
        card.build_card(source.parse_all(text))
    assert "publish" in str(refused.value)
    with pytest.raises(SpaceError):
        card.variables(source.parse_all(text))


def test_the_committed_file_is_the_base(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(str(card.build_card({})))
    assert front_matter((tmp_path / "README.md").read_text()) == front_matter(card.CARD.read_text())
