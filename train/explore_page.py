"""An exploration as one HTML page that needs no other file: the tables, figures and pictures."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from models.decode import decode
from train.explore import Alike, Exploration, Item, contacts
from train.explore_tables import Section, as_text, sections
from train.pictures import read_picture

THUMBNAIL = 160  # pixels of the longer side: sharp on screens that have more of them
ON_PAGE = 30  # entries of a list of files
COLOURS = colormaps["tab10"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2330; background: #f6f7f9; margin: 0 auto; padding: 1.5rem;
  max-width: 68rem; }
section { background: #fff; border: 1px solid #dde1e7; border-radius: 10px; padding: 1rem 1.5rem; margin: 1rem 0;
  overflow-x: auto; }
h1, h2, h3 { line-height: 1.2; margin: .5rem 0; }
h3 { font-size: 1rem; margin-top: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e8ebef; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
.files th, .files td { text-align: left; overflow-wrap: anywhere; }
.files th, .files td:first-child { white-space: nowrap; }
.files td:first-child:nth-last-child(2) { white-space: normal; min-width: 7rem; }
.figure { max-width: 100%; height: auto; display: block; margin: 1rem 0 .5rem; }
table + .row { margin-top: 1rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
figure { margin: 0; } figcaption { font-size: .8rem; color: #566072; max-width: 14rem; overflow-wrap: anywhere; }
.row img { height: 5rem; max-width: 14rem; object-fit: contain; border-radius: 4px; background: #e8ebef; }
.pair { border: 1px solid #e8ebef; border-radius: 8px; padding: .5rem; }
"""


def page(exploration: Exploration) -> str:
    """The HTML page: no script and nothing from outside, and the same text for the same pictures."""
    name = escape(exploration.collection.name)
    pictures, sizes, unreadable, exact, near = sections(exploration)
    counts_figure = _figure(_counts_figure(exploration), "Bar chart of the pictures per class and split")
    differ = len({(seen.width, seen.height) for seen in exploration.seen}) > 1
    scatter = _figure(_sizes_figure(exploration), "Widths and heights of the pictures") if differ else ""
    folder = exploration.collection.folder
    body = [
        f"<h1>{name}</h1>",
        _section(pictures, counts_figure),
        _section(sizes, scatter),
        _section(unreadable),
        _section(exact, _alike(folder, exploration.exact)),
        _section(near, _alike(folder, exploration.near)),
        _section(
            Section("Mean pictures", "all pictures of a class, stretched to a square and laid over each other"),
            _row(_thumbnail(mean, label) for label, mean in exploration.means.items()),
        ),
        _section(
            Section("Contact sheet", "a few pictures of each class, chosen by chance and the same each time"),
            "".join(
                f"<h3>{escape(label)}</h3>{_row(_read_thumbnail(folder, item) for item in items)}"
                for label, items in contacts(exploration).items()
            ),
        ),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}: what there is</title>\n<style>{_STYLE}</style>\n"
        f"</head>\n<body>\n{''.join(body)}</body>\n</html>\n"
    )


def write(exploration: Exploration, path: Path) -> None:
    """Write the page. Bytes of file names that are not text appear as backslash escapes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(page(exploration).encode("utf-8", "backslashreplace"))


def _counts_figure(exploration: Exploration) -> Figure:
    labels, counts, totals = exploration.collection.labels, exploration.counts, exploration.totals
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(labels)), layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(labels))
    for number, split in enumerate(exploration.splits):
        widths = np.array([counts[label, split] for label in labels])
        axes.barh(range(len(labels)), widths, left=left, label=split, color=COLOURS(number))
        left += widths
    axes.set_yticks(range(len(labels)), [_literal(label) for label in labels])
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
        axes.scatter(widths, heights, s=18, alpha=0.7, linewidths=0, color=COLOURS(number % 10), label=_literal(label))
    axes.set_xlabel("width, pixels")
    axes.set_ylabel("height, pixels")
    axes.spines[["top", "right"]].set_visible(False)
    if len(labels) <= 10:  # beyond, the colours repeat
        figure.legend(loc="outside right center", frameon=False)
    return figure


def _figure(figure: Figure, description: str) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return f'<img class="figure" src="{_data_url(stream.getvalue(), "png")}" alt="{description}">'


def _section(section: Section, more: str = "") -> str:
    text = section.text[0].upper() + section.text[1:]
    return f"<section><h2>{section.title}</h2><p>{escape(text)}.</p>{_table(section)}{more}</section>\n"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    shown = section.rows[:ON_PAGE] if section.is_list else section.rows
    header = "".join(f"<th>{escape(name)}</th>" for name in section.header)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in shown)
    rest = len(section.rows) - len(shown)
    more = f"<p>And {rest:,} more.</p>" if rest else ""
    return f'<table class="{"files" if section.is_list else "figures"}"><tr>{header}</tr>{rows}</table>{more}'


def _alike(folder: Path, found: Sequence[Alike]) -> str:
    """The first pictures of the gravest cases, side by side."""
    cases = (
        f'<div class="pair">{_row(_read_thumbnail(folder, item, f"{item.split}, {item.label}") for item in pair)}</div>'
        for pair in (alike.items[:3] for alike in found[:12])
    )
    return f'<div class="row">{"".join(cases)}</div>' if found else ""


def _row(pictures: Iterable[str]) -> str:
    return f'<div class="row">{"".join(pictures)}</div>'


def _read_thumbnail(folder: Path, item: Item, caption: str = "") -> str:
    return _thumbnail(decode(read_picture(folder, item.path)), caption, item.path)


def _thumbnail(pixels: NDArray[np.uint8], caption: str, title: str = "") -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=90, subsampling=0)
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    url = _data_url(stream.getvalue(), "jpeg")
    return f'<figure><img src="{url}" alt="{escape(title or caption)}" title="{escape(title)}">{below}</figure>'


def _data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _literal(label: str) -> str:
    """The label without what Matplotlib takes for mathematics."""
    return as_text(label).replace("$", r"\$")
