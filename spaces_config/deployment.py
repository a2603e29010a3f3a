"""Deploying: the Space is created where it is not there yet, told its variables, and given its files in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from models.hub.client_errors import hub_errors

KEPT = ".gitattributes"  # which the Hub makes: it says what is kept in LFS


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where the Space is, and its commit; `changed` is whether this deployment made that commit."""

    url: str
    commit: str
    changed: bool


def deploy(
    space: str, files: Mapping[str, bytes], variables: Mapping[str, str], message: str, private: bool = False
) -> Deployed:
    """Make the Space `USER/NAME` hold these files and no others.

    The variables come first, so that the build that the commit starts has them; the Space's other variables stay.
    Deploying the same again changes nothing. `private` counts when the Space is created. Raises HubError.
    """
    api = HfApi()
    with hub_errors(f"deploy to the Space {space}"):
        url = api.create_repo(space, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        set_there = api.get_space_variables(space) if variables else {}
        for name, value in variables.items():
            if name not in set_there or set_there[name].value != value:
                api.add_space_variable(space, name, value)
        before = api.repo_info(space, repo_type="space").sha
        stale = set(api.list_repo_files(space, repo_type="space")) - {*files, KEPT}
        made = api.create_commit(
            space,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in sorted(stale)),
            ],
            commit_message=message,
            repo_type="space",
            parent_commit=before,
        )
    return Deployed(str(url), made.oid, made.oid != before)
