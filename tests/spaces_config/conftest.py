"""A checkout of the project that is committed, and the Space that is built from it."""

from pathlib import Path

import pytest

from spaces_config import card, local
from spaces_config.local import Space
from tests.helpers.checkout import NOBODYS_BUSINESS, committed


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "vistazo").mkdir()
    return committed(tmp_path / "vistazo")


@pytest.fixture(scope="session")
def built_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose Space is installed: that is done once, since it takes a minute or two."""
    return committed(tmp_path_factory.mktemp("vistazo"))


@pytest.fixture(scope="session")
def space(built_checkout: Path) -> Space:
    """Built by somebody who has a secret and a setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", NOBODYS_BUSINESS)
        patch.setenv("VISTAZO_QUEUE", "nonsense")
        return local.build(card.build_card({}), {}, built_checkout / local.BUILD_DIR.name, built_checkout)
