"""HTML parts of the reports: style, sections, tables, charts and thumbnails. Each page is one self-contained file."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from train.text import printable, to_bytes

THUMBNAIL_SIDE = 160  # pixels of the longer side: twice the size shown, so that it is sharp on dense screens

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
.values td:not(:first-child) { white-space: nowrap; }
.explained td:last-child, .explained th:last-child { text-align: left; color: #566072; }
.explained td:not(:last-child) { white-space: nowrap; }
.figure { max-width: 100%; height: auto; display: block; margin: 1rem 0 .5rem; }
table + .row { margin-top: 1rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
figure { margin: 0; } figcaption { font-size: .8rem; color: #566072; max-width: 14rem; overflow-wrap: anywhere; }
.row img { height: 5rem; max-width: 14rem; object-fit: contain; border-radius: 4px; background: #e8ebef; }
.pair { border: 1px solid #e8ebef; border-radius: 8px; padding: .5rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(18.5rem, 1fr)); gap: .75rem; }
.card { border: 1px solid #e8ebef; border-radius: 8px; padding: .6rem; font-size: .85rem; overflow-wrap: anywhere; }
.card .row { flex-wrap: nowrap; gap: .4rem; margin-bottom: .4rem; }
.card figure { flex: 1; }
.card .row img { width: 100%; height: auto; max-width: 12rem; display: block; }
.card p { margin: 0; } .quiet { color: #566072; }
.right, .wrong { font-weight: 600; } .right { color: #146c3c; } .wrong { color: #a8201a; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.charts .figure { max-width: 31rem; width: calc(50% - .5rem); min-width: 20rem; }
.notice { border-left: 5px solid #a8201a; }
"""


def document(title: str, body: Iterable[str]) -> str:
    """Return an HTML page without scripts or external resources. `title` is plain text, `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f"</head>\n<body>\n{''.join(body)}</body>\n</html>\n"
    )


def write(page: str, path: Path) -> None:
    """Write the page as UTF-8. Undecodable bytes of file names appear as backslash escapes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(page))


def section(title: str, text: str, content: str = "", kind: str = "") -> str:
    """Return a section with a heading. `title` and `text` are plain text, `content` is HTML."""
    opening = f'<section class="{kind}">' if kind else "<section>"
    return f"{opening}<h2>{escape(title)}</h2><p>{escape(text)}</p>{content}</section>\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "values") -> str:
    """Return a table of plain texts. An empty `header` is omitted. `kind` is `values`, `files` or `explained`."""
    head = f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr>" if header else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}">{head}{body}</table>'


def png(figure: Figure) -> bytes:
    """Return the figure as PNG, with the same bytes for the same figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def chart(content: bytes, description: str) -> str:
    """Return a chart in full width. `content` is PNG, `description` the text for screen readers."""
    return f'<img class="figure" src="{_data_url(content, "png")}" alt="{escape(description)}">'


def image_row(pictures: Iterable[str]) -> str:
    """Return pictures side by side."""
    return f'<div class="row">{"".join(pictures)}</div>'


def thumbnail(pixels: NDArray[np.uint8], caption: str = "", title: str = "") -> str:
    """Return a small copy of a picture, `(H, W)` or `(H, W, 3)` uint8, with a caption below and a title on hover."""
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=90, subsampling=0)
    figcaption = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    url = _data_url(stream.getvalue(), "jpeg")
    return f'<figure><img src="{url}" alt="{escape(title or caption)}" title="{escape(title)}">{figcaption}</figure>'


def escape_mathtext(label: str) -> str:
    """Return the label for a Matplotlib chart, where an unescaped dollar sign would start a formula."""
    return printable(label).replace("$", r"\$")


def _data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
