"""What is set from outside: environment variables, or a `.env` beside app.py (the environment wins)."""

import os
from pathlib import Path

from dotenv import dotenv_values

from models.errors import SourceError
from models.hub.source import Source, parse_all

ENV_FILE = Path(__file__).parent.parent / ".env"
MODELS = "VISTAZO_MODELS"
_HUB = ("HF_TOKEN", "HF_HOME", "HF_ENDPOINT")


def hand_over_hub_settings(env_file: Path = ENV_FILE) -> None:
    """Give the Hub's library what the file says of it; to be called before that library is imported."""
    said = dotenv_values(env_file)
    for name in _HUB:
        if value := said.get(name):
            os.environ.setdefault(name, value)


def named_models(env_file: Path = ENV_FILE) -> dict[str, Source]:
    """The models that VISTAZO_MODELS names, by task. Raises SourceError."""
    value = os.environ.get(MODELS) or dotenv_values(env_file).get(MODELS) or ""
    try:
        return parse_all(value)
    except SourceError as error:
        raise SourceError(f"{MODELS} is {value!r}, which cannot be used: {error}") from None
