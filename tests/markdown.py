"""Read the project's Markdown pages: code blocks, tables, links and anchors."""

import re
from pathlib import Path

from tests.helpers.project import ROOT

READMES = [ROOT / "README.md", ROOT / "README.es.md"]
DOCS = ROOT / "docs"
FOLDERS = ("docs", "models", "serving", "spaces_config", "tests")  # not train: its Markdown files are templates
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    """Return the page's path in the repository, as a test's identifier."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [code for found, code in FENCE.findall(page.read_text(encoding="utf-8")) if found == language]


def table_rows(page: Path) -> list[list[str]]:
    """Return the cells of each row of all tables."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def links(page: Path) -> list[str]:
    """Return the targets of links and images."""
    return re.findall(r"\]\(([^)\s]+)\)", _prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        repeated = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", other) is not None for other in found)
        found.append(f"{anchor}-{repeated}" if repeated else anchor)
    return set(found)


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))
