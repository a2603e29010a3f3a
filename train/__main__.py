"""Entry point of `python -m train`. Each command is a module of `train.commands`, imported only when it is used."""

from typing import ClassVar

from models.cli import LazyCommands, command_line
from models.settings import export_hub_settings


class TrainCommands(LazyCommands):
    """The commands, in the order in which they are usually run."""

    modules: ClassVar = {
        name: f"train.commands.{name}"
        for name in ("fetch", "explore", "fit", "evaluate", "compare", "export", "publish")
    }


app = command_line(TrainCommands)


@app.callback()
def train() -> None:
    """Train an image classifier: from the data to the bundle that is served."""
    export_hub_settings()  # before a command imports huggingface_hub, which reads HF_* when it is imported


if __name__ == "__main__":
    app(prog_name="python -m train")
