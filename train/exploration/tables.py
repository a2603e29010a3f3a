"""An exploration as tables, which the terminal shows and the page too."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from train.exploration.explore import NEARLY_SURE, Alike, Exploration, Seen, Unreadable
from train.sources.splits import NEAR
from train.text import printable

IN_TERMINAL = 8  # entries of a list of files


@dataclass(frozen=True, slots=True)
class Section:
    """A title, a sentence, and a table; of a list of files only the first lines may be shown."""

    title: str
    text: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    is_list: bool = False


def show(exploration: Exploration, console: Console) -> None:
    """Print the tables. The console should have markup off: names of files and classes are printed as they are."""
    totals = exploration.totals
    for section in sections(exploration):
        console.print(f"\n{section.title}", style="bold")
        console.print(section.text)
        if not section.rows:
            continue
        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        for number, name in enumerate(section.header):
            table.add_column(name, justify="left" if number == 0 or section.is_list else "right", overflow="fold")
        is_counts = section.title == "Pictures"
        if is_counts:
            table.add_column("")
        for row in section.rows[:IN_TERMINAL] if section.is_list else section.rows:
            bars = (
                [ProgressBar(max(totals.values()), totals[row[0]], width=20)] if is_counts and row[0] in totals else []
            )
            table.add_row(*row, *bars)
        console.print(table)
        if section.is_list and len(section.rows) > IN_TERMINAL:
            console.print(f"  and {len(section.rows) - IN_TERMINAL:,} more")


def sections(exploration: Exploration) -> tuple[Section, Section, Section, Section, Section]:
    """Pictures, sizes, unreadable files, exact and near duplicates."""
    return (
        _pictures_section(exploration),
        _sizes_section(exploration),
        _unreadable_section(exploration.unreadable),
        _alike_section("Exact duplicates", "sets of files with the same bytes", exploration.exact),
        _near_section(exploration),
    )


def _pictures_section(exploration: Exploration) -> Section:
    counts, totals, splits = exploration.counts, exploration.totals, exploration.splits
    damaged = Counter(unreadable.item.label for unreadable in exploration.unreadable)
    rows = [
        (label, *(f"{counts[label, split]:,}" for split in splits), f"{total:,}", f"{damaged[label]:,}")
        for label, total in totals.items()
    ]
    sums = (f"{sum(counts[label, split] for label in totals):,}" for split in splits)
    rows.append(("sum", *sums, f"{sum(totals.values()):,}", f"{damaged.total():,}"))
    largest, smallest = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    ratio = exploration.imbalance
    text = (
        f"no picture of {smallest} can be read"
        if ratio is None
        else f"{len(totals)} classes, imbalance {ratio:.2f} ({largest} to {smallest})"
    )
    return Section("Pictures", text, ("class", *splits, "sum", "unreadable"), tuple(rows))


def _sizes_section(exploration: Exploration) -> Section:
    sizes = {(seen.width, seen.height) for seen in exploration.seen}
    if not sizes:
        return Section("Sizes and modes", "there is no picture that can be read")
    text = f"{len(sizes):,} sizes" if len(sizes) > 1 else "all pictures have one size"
    rows = []
    for label in exploration.means:
        of_label = [seen for seen in exploration.seen if seen.item.label == label]
        rows.append((label, *_sizes_row(of_label)))
    rows.append(("all", *_sizes_row(exploration.seen)))
    header = ("class", "width min / median / max", "height min / median / max", "modes")
    return Section("Sizes and modes", text, header, tuple(rows))


def _sizes_row(seen: Sequence[Seen]) -> tuple[str, str, str]:
    modes = Counter(picture.mode for picture in seen)
    return (
        _spread([picture.width for picture in seen]),
        _spread([picture.height for picture in seen]),
        ", ".join(f"{mode} {count:,}" for mode, count in sorted(modes.items())),
    )


def _spread(values: Sequence[int]) -> str:
    return f"{min(values)} / {np.median(values):g} / {max(values)}"


def _unreadable_section(unreadable: Sequence[Unreadable]) -> Section:
    rows = tuple((printable(each.item.path), each.reason) for each in unreadable)
    return Section(
        "Unreadable files",
        f"files that cannot be read: {len(rows):,}" if rows else "none",
        ("file", "why"),
        rows,
        is_list=True,
    )


def _near_section(exploration: Exploration) -> Section:
    what = f"pairs whose hashes differ in at most {NEAR} of 64 bits"
    found = _alike_section("Near duplicates", what, exploration.near)
    if found.rows:
        rows = tuple(
            (where, f"{alike.bits}", files) for alike, (where, files) in zip(exploration.near, found.rows, strict=True)
        )
        text = f"{found.text}; up to {NEARLY_SURE} bits nearly all show one scene, beyond that few"
        found = Section(found.title, text, ("across", "bits", "files"), rows, is_list=True)
    if not exploration.near_skipped:
        return found
    if exploration.collection.is_xray or all(seen.perceptual is None for seen in exploration.seen):
        return Section(found.title, exploration.near_skipped)
    text = f"{found.text}; {exploration.near_skipped}"
    return Section(found.title, text, found.header, found.rows, is_list=True)


def _alike_section(title: str, what: str, found: Sequence[Alike]) -> Section:
    if not found:
        return Section(title, f"no {what}")
    classes, splits = (sum(getattr(alike, where) for alike in found) for where in ("across_classes", "across_splits"))
    text = f"{what}: {len(found):,} ({classes:,} across classes, {splits:,} across splits)"
    rows = tuple((_where(alike), ", ".join(printable(item.path) for item in alike.items)) for alike in found)
    return Section(title, text, ("across", "files"), rows, is_list=True)


def _where(alike: Alike) -> str:
    places = {"classes": alike.across_classes, "splits": alike.across_splits}
    return " and ".join(place for place, is_across in places.items() if is_across) or "-"
