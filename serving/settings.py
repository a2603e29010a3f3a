"""What can be set from outside: environment variables, or a `.env` beside app.py (the environment wins)."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.decode import Limits
from models.errors import VistazoError

PREFIX = "VISTAZO_"
ENV_FILE = Path(__file__).parent.parent / ".env"


class SettingsError(VistazoError):
    """A setting is unknown or cannot be used; the text names it."""


class Settings(BaseSettings):
    """One attribute a setting: `max_bytes` is `VISTAZO_MAX_BYTES`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    models: Annotated[dict[str, Path], NoDecode] = Field(default_factory=dict)  # task → bundle directory
    max_bytes: int = Field(default=20_000_000, gt=0)  # of one picture's file
    max_pixels: int = Field(default=50_000_000, gt=0)  # of one picture, read from its header
    timeout_s: float = Field(default=30.0, gt=0)  # from the upload's last byte to the answer
    queue: int = Field(default=32, ge=0)  # pictures that may wait while others are being classified

    @field_validator("models", mode="before")
    @classmethod
    def _parse_models(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not task.strip() or not directory.strip() for task, _, directory in pairs):
            raise ValueError("write it as task=DIRECTORY,task=DIRECTORY")
        return {task.strip(): Path(directory.strip()) for task, _, directory in pairs}

    @property
    def limits(self) -> Limits:
        """What one picture may cost."""
        return Limits(max_bytes=self.max_bytes, max_pixels=self.max_pixels)


def load(env_file: Path = ENV_FILE) -> Settings:
    """Read the settings. Raises SettingsError when one is unknown or cannot be used."""
    _refuse_unknown([*os.environ, *dotenv_values(env_file)])
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]  # pydantic-settings adds it at run time
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} is {first['input']!r}, which cannot be used: {first['msg']}") from None


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    for name in names:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(f"{name} is not a setting of Vistazo: use one of {', '.join(known)}")
