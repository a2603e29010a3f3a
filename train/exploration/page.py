"""An exploration as one HTML page that needs no other file: the tables, figures and pictures."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from models.images.decoding import decode
from train import html
from train.exploration.explore import Alike, Exploration, Item, contacts
from train.exploration.tables import Section, sections
from train.manifest import read_picture

ON_PAGE = 30  # entries of a list of files
COLOURS = colormaps["tab10"]


def page(exploration: Exploration) -> str:
    """The HTML page: no script and nothing from outside, and the same text for the same pictures."""
    name = exploration.collection.name
    pictures, sizes, unreadable, exact, near = sections(exploration)
    counts_figure = _chart(_counts_figure(exploration), "Bar chart of the pictures per class and split")
    differ = len({(seen.width, seen.height) for seen in exploration.seen}) > 1
    scatter = _chart(_sizes_figure(exploration), "Widths and heights of the pictures") if differ else ""
    folder = exploration.collection.folder
    body = [
        f"<h1>{escape(name)}</h1>",
        _section(pictures, counts_figure),
        _section(sizes, scatter),
        _section(unreadable),
        _section(exact, _alike(folder, exploration.exact)),
        _section(near, _alike(folder, exploration.near)),
        _section(
            Section("Mean pictures", "all pictures of a class, stretched to a square and laid over each other"),
            html.row(html.thumbnail(mean, label) for label, mean in exploration.means.items()),
        ),
        _section(
            Section("Contact sheet", "a few pictures of each class, chosen by chance and the same each time"),
            "".join(
                f"<h3>{escape(label)}</h3>{html.row(_read_thumbnail(folder, item) for item in items)}"
                for label, items in contacts(exploration).items()
            ),
        ),
    ]
    return html.document(f"{name}: what there is", body)


def write(exploration: Exploration, path: Path) -> None:
    """Write the page."""
    html.write(page(exploration), path)


def _counts_figure(exploration: Exploration) -> Figure:
    labels, counts, totals = exploration.collection.labels, exploration.counts, exploration.totals
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(labels)), layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(labels))
    for number, split in enumerate(exploration.splits):
        widths = np.array([counts[label, split] for label in labels])
        axes.barh(range(len(labels)), widths, left=left, label=split, color=COLOURS(number))
        left += widths
    axes.set_yticks(range(len(labels)), [html.literal(label) for label in labels])
    for row, label in enumerate(labels):
        axes.annotate(f" {totals[label]:,}", (totals[label], row), va="center")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("pictures")
    axes.spines[["top", "right"]].set_visible(False)
    if len(exploration.splits) > 1:
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _sizes_figure(exploration: Exploration) -> Figure:
    labels = exploration.collection.labels
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, label in enumerate(labels):
        sizes = sorted({(seen.width, seen.height) for seen in exploration.seen if seen.item.label == label})
        widths, heights = zip(*sizes, strict=True) if sizes else ((), ())
        axes.scatter(
            widths, heights, s=18, alpha=0.7, linewidths=0, color=COLOURS(number % 10), label=html.literal(label)
        )
    axes.set_xlabel("width, pixels")
    axes.set_ylabel("height, pixels")
    axes.spines[["top", "right"]].set_visible(False)
    if len(labels) <= 10:  # beyond, the colours repeat
        figure.legend(loc="outside right center", frameon=False)
    return figure


def _chart(figure: Figure, description: str) -> str:
    return html.chart(html.png(figure), description)


def _section(section: Section, more: str = "") -> str:
    text = section.text[0].upper() + section.text[1:]
    return html.section(section.title, f"{text}.", _table(section) + more)


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    shown = section.rows[:ON_PAGE] if section.is_list else section.rows
    rest = len(section.rows) - len(shown)
    more = f"<p>And {rest:,} more.</p>" if rest else ""
    return html.table(section.header, shown, "files" if section.is_list else "figures") + more


def _alike(folder: Path, found: Sequence[Alike]) -> str:
    """The first pictures of the gravest cases, side by side."""
    cases = []
    for alike in found[:12]:
        pair = (_read_thumbnail(folder, item, f"{item.split}, {item.label}") for item in alike.items[:3])
        cases.append(f'<div class="pair">{html.row(pair)}</div>')
    return html.row(cases) if found else ""


def _read_thumbnail(folder: Path, item: Item, caption: str = "") -> str:
    return html.thumbnail(decode(read_picture(folder, item.path)), caption, item.path)
