"""Download a model from the Hub into its cache: a program that `models.hub.pulling` starts and can end.

python -m models.hub.download USER/NAME@REVISION [--force]

It prints one line of JSON: `commit` and `directory`, or `error` with its `kind`.
"""

import json
import sys

from huggingface_hub import HfApi, snapshot_download

from models.bundle import SERVING_FILES
from models.errors import HubError
from models.hub.client_errors import hub_errors
from models.hub.pulling import FORCE
from models.hub.source import Repository

RESOLVE_LIMIT_S = 10  # for the Hub to resolve a revision to a commit


def download(repository: Repository, force: bool) -> dict[str, str]:
    """Resolve the revision and download the files that serving needs; with `force` also those in the cache.

    A commit is resolved too: when the Hub is down that fails at once, while the client lists files with many retries.
    Raises HubError.
    """
    with hub_errors(f"pull {repository}"):
        info = HfApi().model_info(repository.repo_id, revision=repository.revision, timeout=RESOLVE_LIMIT_S)
        commit = info.sha or ""
        directory = snapshot_download(
            repository.repo_id, revision=commit, allow_patterns=list(SERVING_FILES), force_download=force
        )
    return {"commit": commit, "directory": directory}


def main(arguments: list[str]) -> None:
    """Print the result as JSON."""
    try:
        result = download(Repository.parse(arguments[0]), FORCE in arguments)
    except HubError as error:
        result = {"error": str(error), "kind": type(error).__name__}
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
