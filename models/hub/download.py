"""Fetch a model from the Hub into its cache: a program that `models.hub.pulling` starts and can end.

python -m models.hub.download USER/NAME@REVISION [--again]

It prints one line of JSON: `commit` and `directory`, or `error` and the `kind` of it.
"""

import json
import sys

from huggingface_hub import HfApi, snapshot_download

from models.bundle import SERVING_FILES
from models.errors import HubError
from models.hub.client_errors import hub_errors
from models.hub.pulling import AGAIN
from models.hub.source import Repository

LOOK_UP_S = 10  # for the Hub to say which commit a revision is


def fetch(repository: Repository, again: bool) -> dict[str, str]:
    """Resolve the revision and fetch the files that serving needs; `again` also those that are in the cache.

    A commit is looked up too: that fails at once where the Hub is down, while the library lists files with patience.
    Raises HubError.
    """
    with hub_errors(f"pull {repository}"):
        commit = HfApi().model_info(repository.repo_id, revision=repository.revision, timeout=LOOK_UP_S).sha or ""
        directory = snapshot_download(
            repository.repo_id, revision=commit, allow_patterns=list(SERVING_FILES), force_download=again
        )
    return {"commit": commit, "directory": directory}


def main(arguments: list[str]) -> None:
    """Print what came of it."""
    try:
        said = fetch(Repository.parse(arguments[0]), AGAIN in arguments)
    except HubError as error:
        said = {"error": str(error), "kind": type(error).__name__}
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
