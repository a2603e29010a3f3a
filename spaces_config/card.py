"""The Space's card: the committed README.md in this directory, plus the models that the Space downloads at build time.

The fields are described at https://huggingface.co/docs/hub/spaces-config-reference.
"""

from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import SpaceCard

from models import bundle, settings
from models.hub.source import Repository, Source
from spaces_config.errors import SpaceError

CARD = Path(__file__).parent / "README.md"
PLACEHOLDER = "USER-NAME"


def build_card(sources: Mapping[str, Source], host: str = PLACEHOLDER) -> SpaceCard:
    """Return the card of a Space that serves `sources` (task → model) in addition to the bundled models.

    The models are pinned to commits and downloaded while the Space is built (`preload_from_hub`, public repositories
    only), so the Space needs no network when it starts. `host` is the first part of the Space's host name.
    Raises SpaceError for a local directory and for a model that is not pinned.
    """
    card = SpaceCard(CARD.read_text(encoding="utf-8").replace(PLACEHOLDER, host))
    repositories = [_pinned(task, source) for task, source in sources.items()]
    if repositories:
        files = ",".join(bundle.SERVING_FILES)
        card.data["models"] = list(dict.fromkeys(repository.repo_id for repository in repositories))
        card.data["preload_from_hub"] = list(
            dict.fromkeys(f"{repository.repo_id} {files} {repository.revision}" for repository in repositories)
        )
    return card


def variables(sources: Mapping[str, Source]) -> dict[str, str]:
    """Return the environment variables that the Space needs to serve `sources`. Raises SpaceError as `build_card`."""
    pinned = {task: _pinned(task, source) for task, source in sources.items()}
    return {settings.MODELS: ",".join(f"{task}={source}" for task, source in pinned.items())} if pinned else {}


def _pinned(task: str, source: Source) -> Repository:
    if isinstance(source, Path):
        raise SpaceError(
            f"{settings.MODELS} names the directory {source} for {task}, but a Space has only models of the Hub: "
            f"publish it (python -m train publish {source} --repo-id USER/NAME) and use the line that it prints"
        )
    if not source.is_pinned:
        raise SpaceError(
            f"{settings.MODELS} names {source} for {task}, which may change: name the commit, as in "
            f"{task}={source.repo_id}@ and 40 hexadecimal digits, which `train publish` prints"
        )
    return source
