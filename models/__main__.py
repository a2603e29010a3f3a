"""Entry point of `python -m models`. Each command is a module of `models.commands`, imported only when it is used."""

from typing import ClassVar

from models.cli import LazyCommands, command_line
from models.settings import export_hub_settings


class ModelCommands(LazyCommands):
    """The commands of models."""

    modules: ClassVar = {
        "list": "models.commands.list_models",
        "pull": "models.commands.pull",
        "verify": "models.commands.verify",
        "classify": "models.commands.classify",
    }


app = command_line(ModelCommands)


@app.callback()
def models() -> None:
    """Use trained models on this machine."""
    export_hub_settings()  # before a command imports huggingface_hub, which reads HF_* when it is imported


if __name__ == "__main__":
    app(prog_name="python -m models")
