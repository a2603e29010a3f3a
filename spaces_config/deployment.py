"""Deploy a Space: create it if necessary, set its variables, and upload its files in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from models.hub.client_errors import hub_errors

HUB_FILE = ".gitattributes"  # written by the Hub; it lists the files in LFS


@dataclass(frozen=True, slots=True)
class Deployed:
    """URL and commit of the Space. `changed` is False if it already had the same files."""

    url: str
    commit: str
    changed: bool


def deploy(
    space: str, files: Mapping[str, bytes], variables: Mapping[str, str], message: str, private: bool = False
) -> Deployed:
    """Deploy these files, and no others, to the Space `USER/NAME`.

    The variables are set first, so that the build that the commit starts has them. Other variables of the Space stay.
    Deploying the same files again changes nothing. `private` applies only when the Space is created. Raises HubError.
    """
    api = HfApi()
    with hub_errors(f"deploy to the Space {space}"):
        url = api.create_repo(space, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        present = api.get_space_variables(space) if variables else {}
        for name, value in variables.items():
            if name not in present or present[name].value != value:
                api.add_space_variable(space, name, value)
        parent = api.repo_info(space, repo_type="space").sha
        stale = set(api.list_repo_files(space, repo_type="space")) - {*files, HUB_FILE}
        commit = api.create_commit(
            space,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in sorted(stale)),
            ],
            commit_message=message,
            repo_type="space",
            parent_commit=parent,
        )
    return Deployed(str(url), commit.oid, commit.oid != parent)
