"""Settings of the server: environment variables, or a `.env` next to app.py. The environment has priority."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.errors import SourceError, VistazoError
from models.hub.source import Source, parse_all
from models.images.decoding import Limits
from models.settings import ENV_FILE, PULL_LIMIT_S, export_hub_settings

PREFIX = "VISTAZO_"
WORK_S = 10.0  # decoding and inference of one picture; 50 megapixels take less than a second


class SettingsError(VistazoError):
    """A setting is unknown or not valid; the text names it."""


class Settings(BaseSettings):
    """The settings of the server: `max_bytes` is `VISTAZO_MAX_BYTES`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    models: Annotated[dict[str, Source], NoDecode] = Field(default_factory=dict)  # by task
    hub_timeout_s: float = Field(default=PULL_LIMIT_S, gt=0)  # for one model from the Hub
    admin_key: SecretStr | None = None  # allows changes to the models of a running server
    max_bytes: int = Field(default=20_000_000, gt=0)  # of one picture's file
    max_pixels: int = Field(default=50_000_000, gt=0)  # of one picture, read from its header
    timeout_s: float = Field(default=30.0, gt=0)  # from the last byte of the upload to the prediction
    queue: int = Field(default=128, ge=0)  # pictures that may wait
    worker_mb: int = Field(default=1500, ge=600)  # of address space of one worker process

    @field_validator("models", mode="before")
    @classmethod
    def _parse_models(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return parse_all(value)
        except SourceError as error:
            raise ValueError(str(error)) from None

    @property
    def work_s(self) -> float:
        """The limit of one picture in a worker, in seconds."""
        return min(self.timeout_s, WORK_S)

    @property
    def limits(self) -> Limits:
        """The limits of one picture."""
        return Limits(max_bytes=self.max_bytes, max_pixels=self.max_pixels)


def load(env_file: Path = ENV_FILE) -> Settings:
    """Read the settings, and export those of the Hub for its client. Raises SettingsError when one is not valid."""
    export_hub_settings(env_file)
    _refuse_unknown([*os.environ, *dotenv_values(env_file)])
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]  # pydantic-settings adds it at run time
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} is {first['input']!r}, which is not valid: {first['msg']}") from None


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    for name in names:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(f"{name} is not a setting of Vistazo: use one of {', '.join(known)}")
