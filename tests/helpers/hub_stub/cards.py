"""The Hub's validation of a card's front matter: the rules that concern Vistazo."""

from typing import Any

import yaml
from huggingface_hub import RepoCard

COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SDKS = ("gradio", "docker", "static")
SHORT = 60  # characters of a Space's short description


def faults_of_card(content: str, repo_type: str) -> tuple[list[str], list[str]]:
    """Errors and warnings."""
    try:
        data: dict[str, Any] = vars(RepoCard(content).data)
    except (yaml.YAMLError, ValueError) as error:
        return [f"the YAML metadata cannot be read: {error}"], []
    if not data:
        return [], ["empty or missing yaml metadata in repo card"]
    errors = [f'"{name}" must be a string' for name in ("license", "title") if not isinstance(data.get(name, ""), str)]
    errors += [
        f'"{name}" must be a list of strings'
        for name in ("tags", "datasets", "metrics", "models")
        if not all(isinstance(item, str) for item in data.get(name, []))
    ]
    if repo_type == "space":
        errors += _of_space(data)
    return errors, []


def _of_space(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be one of {", ".join(COLOURS)}'
        for name in ("colorFrom", "colorTo")
        if data.get(name, "red") not in COLOURS
    ]
    if data.get("sdk") not in SDKS:
        errors.append(f'"sdk" must be one of {", ".join(SDKS)}')
    if len(data.get("short_description", "")) > SHORT:
        errors.append(f'"short_description" length must be at most {SHORT} characters')
    return errors
