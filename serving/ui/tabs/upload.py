"""The tab for flowers, and for any other task that has none of its own: upload a picture, see the answer."""

from serving.ui.tabs.tab import Tab


def build(tab: Tab) -> None:
    """Lay out the tab."""
    tab.upload("flower_intro" if tab.task == "flower" else "other_intro")
