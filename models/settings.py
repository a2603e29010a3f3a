"""Settings of `models`: environment variables, or a `.env` next to app.py. The environment has priority.

`huggingface_hub` reads its own variables when it is imported. A program that should obey the `.env` calls
`export_hub_settings` before it imports `models.catalog` or `models.hub`.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

from models.errors import SourceError
from models.hub.source import Source, parse_all

ENV_FILE = Path(__file__).parent.parent / ".env"
MODELS = "VISTAZO_MODELS"
PULL_LIMIT_S = 60.0  # for one model at the start of a server: enough for 8 MB at 1 Mbit/s
_HUB_VARIABLES = ("HF_TOKEN", "HF_HOME", "HF_ENDPOINT")


def export_hub_settings(env_file: Path = ENV_FILE) -> None:
    """Copy the Hub's settings from the file to the environment, for `huggingface_hub` and for child processes."""
    values = dotenv_values(env_file)
    for name in _HUB_VARIABLES:
        if value := values.get(name):
            os.environ.setdefault(name, value)


def named_models(env_file: Path = ENV_FILE) -> dict[str, Source]:
    """Return the models that VISTAZO_MODELS names, by task. Raises SourceError."""
    value = os.environ.get(MODELS) or dotenv_values(env_file).get(MODELS) or ""
    try:
        return parse_all(value)
    except SourceError as error:
        raise SourceError(f"{MODELS} is {value!r}, which is not valid: {error}") from None
