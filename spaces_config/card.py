"""The Space's README.md: the committed one beside this file, and which models the Space is to fetch when it is built.

The fields are those of https://huggingface.co/docs/hub/spaces-config-reference.
"""

from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import SpaceCard

from models import bundle, settings
from models.hub.source import Repository, Source
from spaces_config.errors import SpaceError

CARD = Path(__file__).parent / "README.md"
PLACEHOLDER = "USER-NAME"


def card(sources: Mapping[str, Source], host: str = PLACEHOLDER) -> SpaceCard:
    """The README.md of a Space that serves `sources`, by task, instead of or besides the bundled models.

    They are named as commits and fetched while the Space is built (`preload_from_hub`, public repositories only), so
    that waking up needs no network. `host` is the first part of the Space's address. Raises SpaceError.
    """
    made = SpaceCard(CARD.read_text(encoding="utf-8").replace(PLACEHOLDER, host))
    repositories = [_pinned(task, source) for task, source in sources.items()]
    if repositories:
        files = ",".join(bundle.SERVING_FILES)
        made.data["models"] = list(dict.fromkeys(each.repo_id for each in repositories))
        made.data["preload_from_hub"] = list(
            dict.fromkeys(f"{each.repo_id} {files} {each.revision}" for each in repositories)
        )
    return made


def variables(sources: Mapping[str, Source]) -> dict[str, str]:
    """What has to be set in the Space for it to serve `sources`. Raises SpaceError."""
    pinned = {task: _pinned(task, source) for task, source in sources.items()}
    return {settings.MODELS: ",".join(f"{task}={source}" for task, source in pinned.items())} if pinned else {}


def _pinned(task: str, source: Source) -> Repository:
    if isinstance(source, Path):
        raise SpaceError(
            f"{settings.MODELS} names the directory {source} for {task}, which a Space does not have: "
            f"publish it (python -m train publish {source} --repo-id USER/NAME) and name what that prints"
        )
    if not source.is_pinned:
        raise SpaceError(
            f"{settings.MODELS} names {source} for {task}, which may change: name the commit, as in "
            f"{task}={source.repo_id}@ and 40 hexadecimal digits, which `train publish` prints"
        )
    return source
