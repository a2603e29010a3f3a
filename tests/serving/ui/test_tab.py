"""A tab of the page, after the model behind it was changed."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

from models import bundle
from models.catalog import Entry
from serving.ui.tabs.tab import Tab
from serving.ui.texts import Texts
from tests.helpers.bundles import revision
from tests.helpers.project import example
from tests.helpers.workers import service_of


def test_it_shows_the_labels_and_figures_of_the_model_that_answers(tmp_path: Path) -> None:
    labels = [{"id": f"cifra {n}", "es": f"Cifra <{n}>", "en": f"Figure {n}"} for n in range(10)]
    files = revision("9.0.0", labels=labels)
    for name in bundle.SERVING_FILES:
        (tmp_path / name).write_bytes(files[name])
    service = service_of("digit")
    say = Texts()
    tab = Tab("digit", service, say)
    tab.output()

    async def card() -> str:
        return await tab.classify()(example("digit"), SimpleNamespace(headers={}, session_hash="a visitor"))

    before = asyncio.run(card())
    asyncio.run(service.install(Entry("digit", str(tmp_path), service.pool.workers.load(tmp_path))))
    after = asyncio.run(card())
    assert "Cifra" not in before
    assert "Cifra &lt;" in after
    assert "9.0.0" in say.in_language("es")["vistazo_digit_about"]
