"""A tab of the page, after the model behind it was changed."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

from models import bundle
from models.catalog import Catalog, Entry
from models.loading import load_classifier
from serving.service import Service
from serving.settings import Settings
from serving.ui.tabs.tab import Tab
from serving.ui.texts import Texts
from serving.worker_pool import WorkerPool
from tests.helpers.bundles import revision
from tests.helpers.project import example


def test_it_shows_the_labels_and_figures_of_the_model_that_answers(tmp_path: Path) -> None:
    labels = [{"id": f"cifra {n}", "es": f"Cifra <{n}>", "en": f"Figure {n}"} for n in range(10)]
    files = revision("9.0.0", labels=labels)
    for name in bundle.SERVING_FILES:
        (tmp_path / name).write_bytes(files[name])
    catalog = Catalog.load(workers=1)
    say = Texts()
    tab = Tab("digit", Service(catalog, Settings(), "digit", WorkerPool(1, 1, 60)), say)
    tab.output()

    async def card() -> str:
        return await tab.classify()(example("digit"), SimpleNamespace(headers={}))

    before = asyncio.run(card())
    catalog.put(Entry("digit", str(tmp_path), load_classifier(tmp_path, 1)))
    after = asyncio.run(card())
    assert "Cifra" not in before
    assert "Cifra &lt;" in after
    assert "9.0.0" in say.in_language("es")["vistazo_digit_about"]
