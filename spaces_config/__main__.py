"""Entry point of `python -m spaces_config`. Each command is a module of `spaces_config.commands`."""

from typing import ClassVar

from models.cli import LazyCommands, command_line
from models.settings import export_hub_settings


class SpaceCommands(LazyCommands):
    """The commands of the Space."""

    modules: ClassVar = {name: f"spaces_config.commands.{name}" for name in ("serve", "deploy")}


app = command_line(SpaceCommands)


@app.callback()
def space() -> None:
    """Run the Space on this machine, or deploy it to Hugging Face. VISTAZO_MODELS names the models that it serves."""
    export_hub_settings()  # before a command imports huggingface_hub, which reads HF_* when it is imported


if __name__ == "__main__":
    app(prog_name="python -m spaces_config")
