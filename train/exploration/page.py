"""HTML page of an exploration, in one file: tables, charts and pictures."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from models.images.decoding import decode
from train import html
from train.exploration.explore import DuplicateSet, Exploration, Item, contact_sheet
from train.exploration.tables import Section, report_sections
from train.manifest import read_picture

MAX_LISTED = 30  # entries of a list of files
COLOURS = colormaps["tab10"]


def render_page(exploration: Exploration) -> str:
    """Return the HTML page. Equal pictures give equal text."""
    name = exploration.collection.name
    pictures, sizes, unreadable, exact, near = report_sections(exploration)
    counts_chart = _chart(_counts_figure(exploration), "Bar chart: pictures by class and split")
    has_sizes = len({(picture.width, picture.height) for picture in exploration.pictures}) > 1
    sizes_chart = _chart(_sizes_figure(exploration), "Widths and heights of the pictures") if has_sizes else ""
    folder = exploration.collection.folder
    body = [
        f"<h1>{escape(name)}</h1>",
        _section(pictures, counts_chart),
        _section(sizes, sizes_chart),
        _section(unreadable),
        _section(exact, _duplicates(folder, exploration.exact_duplicates)),
        _section(near, _duplicates(folder, exploration.near_duplicates)),
        _section(
            Section("Mean pictures", "average of all pictures of a class, each resized to a square"),
            html.image_row(html.thumbnail(mean, label) for label, mean in exploration.means.items()),
        ),
        _section(
            Section("Contact sheet", "a fixed random sample of each class"),
            "".join(
                f"<h3>{escape(label)}</h3>{html.image_row(_read_thumbnail(folder, item) for item in items)}"
                for label, items in contact_sheet(exploration).items()
            ),
        ),
    ]
    return html.document(f"{name}: exploration", body)


def write(exploration: Exploration, path: Path) -> None:
    """Write the HTML page to `path`."""
    html.write(render_page(exploration), path)


def _counts_figure(exploration: Exploration) -> Figure:
    labels, counts, totals = exploration.collection.labels, exploration.counts, exploration.totals
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(labels)), layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(labels))
    for number, split in enumerate(exploration.splits):
        widths = np.array([counts[label, split] for label in labels])
        axes.barh(range(len(labels)), widths, left=left, label=split, color=COLOURS(number))
        left += widths
    axes.set_yticks(range(len(labels)), [html.escape_mathtext(label) for label in labels])
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
        sizes = sorted(
            {(picture.width, picture.height) for picture in exploration.pictures if picture.item.label == label}
        )
        widths, heights = zip(*sizes, strict=True) if sizes else ((), ())
        axes.scatter(
            widths,
            heights,
            s=18,
            alpha=0.7,
            linewidths=0,
            color=COLOURS(number % 10),
            label=html.escape_mathtext(label),
        )
    axes.set_xlabel("width, pixels")
    axes.set_ylabel("height, pixels")
    axes.spines[["top", "right"]].set_visible(False)
    if len(labels) <= 10:  # with more, the colours repeat
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
    shown = section.rows[:MAX_LISTED] if section.is_list else section.rows
    rest = len(section.rows) - len(shown)
    more = f"<p>And {rest:,} more.</p>" if rest else ""
    return html.table(section.header, shown, "files" if section.is_list else "values") + more


def _duplicates(folder: Path, duplicates: Sequence[DuplicateSet]) -> str:
    """Show the first pictures of the most serious cases side by side."""
    cases = []
    for found in duplicates[:12]:
        pair = (_read_thumbnail(folder, item, f"{item.split}, {item.label}") for item in found.items[:3])
        cases.append(f'<div class="pair">{html.image_row(pair)}</div>')
    return html.image_row(cases) if cases else ""


def _read_thumbnail(folder: Path, item: Item, caption: str = "") -> str:
    return html.thumbnail(decode(read_picture(folder, item.path)), caption, item.path)
