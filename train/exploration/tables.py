"""Tables of an exploration, for the terminal and the HTML page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from train.exploration.explore import SAME_SCENE_BITS, DuplicateSet, Exploration, PictureInfo, Unreadable
from train.sources.near_duplicates import NEAR_DUPLICATE_BITS
from train.text import printable

MAX_LISTED = 8  # entries of a list of files


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table. `is_list` marks lists of files, which may be shortened."""

    title: str
    text: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    is_list: bool = False


def show(exploration: Exploration, console: Console) -> None:
    """Print the tables. The console should have markup off, because names of files and classes may contain brackets."""
    totals = exploration.totals
    for section in report_sections(exploration):
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
        for row in section.rows[:MAX_LISTED] if section.is_list else section.rows:
            bars = (
                [ProgressBar(max(totals.values()), totals[row[0]], width=20)] if is_counts and row[0] in totals else []
            )
            table.add_row(*row, *bars)
        console.print(table)
        if section.is_list and len(section.rows) > MAX_LISTED:
            console.print(f"  and {len(section.rows) - MAX_LISTED:,} more")


def report_sections(exploration: Exploration) -> tuple[Section, Section, Section, Section, Section]:
    """Return the sections on pictures, sizes, unreadable files, exact duplicates and near-duplicates."""
    return (
        _pictures_section(exploration),
        _sizes_section(exploration),
        _unreadable_section(exploration.unreadable),
        _duplicates_section("Exact duplicates", "sets of files with the same bytes", exploration.exact_duplicates),
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
    rows.append(("total", *sums, f"{sum(totals.values()):,}", f"{damaged.total():,}"))
    largest, smallest = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    ratio = exploration.imbalance
    text = (
        f"no readable picture of {smallest}"
        if ratio is None
        else f"{len(totals)} classes, imbalance {ratio:.2f} ({largest} to {smallest})"
    )
    return Section("Pictures", text, ("class", *splits, "total", "unreadable"), tuple(rows))


def _sizes_section(exploration: Exploration) -> Section:
    sizes = {(picture.width, picture.height) for picture in exploration.pictures}
    if not sizes:
        return Section("Sizes and modes", "no readable picture")
    text = f"{len(sizes):,} sizes" if len(sizes) > 1 else "all pictures have the same size"
    rows = []
    for label in exploration.means:
        of_label = [picture for picture in exploration.pictures if picture.item.label == label]
        rows.append((label, *_sizes_row(of_label)))
    rows.append(("all", *_sizes_row(exploration.pictures)))
    header = ("class", "width min / median / max", "height min / median / max", "modes")
    return Section("Sizes and modes", text, header, tuple(rows))


def _sizes_row(pictures: Sequence[PictureInfo]) -> tuple[str, str, str]:
    modes = Counter(picture.mode for picture in pictures)
    return (
        _min_median_max([picture.width for picture in pictures]),
        _min_median_max([picture.height for picture in pictures]),
        ", ".join(f"{mode} {count:,}" for mode, count in sorted(modes.items())),
    )


def _min_median_max(values: Sequence[int]) -> str:
    return f"{min(values)} / {np.median(values):g} / {max(values)}"


def _unreadable_section(unreadable: Sequence[Unreadable]) -> Section:
    rows = tuple((printable(each.item.path), each.reason) for each in unreadable)
    return Section(
        "Unreadable files",
        f"unreadable files: {len(rows):,}" if rows else "none",
        ("file", "reason"),
        rows,
        is_list=True,
    )


def _near_section(exploration: Exploration) -> Section:
    description = f"pairs whose perceptual hashes differ in up to {NEAR_DUPLICATE_BITS} of 64 bits"
    section = _duplicates_section("Near-duplicates", description, exploration.near_duplicates)
    if section.rows:
        rows = tuple(
            (across, f"{found.bits}", files)
            for found, (across, files) in zip(exploration.near_duplicates, section.rows, strict=True)
        )
        text = f"{section.text}; up to {SAME_SCENE_BITS} bits, nearly all pairs show one scene, above that few"
        section = Section(section.title, text, ("across", "bits", "files"), rows, is_list=True)
    if not exploration.near_skipped:
        return section
    if all(picture.perceptual_hash is None for picture in exploration.pictures):
        return Section(section.title, exploration.near_skipped)
    text = f"{section.text}; {exploration.near_skipped}"
    return Section(section.title, text, section.header, section.rows, is_list=True)


def _duplicates_section(title: str, description: str, duplicates: Sequence[DuplicateSet]) -> Section:
    if not duplicates:
        return Section(title, f"no {description}")
    classes = sum(found.across_classes for found in duplicates)
    splits = sum(found.across_splits for found in duplicates)
    text = f"{description}: {len(duplicates):,} ({classes:,} across classes, {splits:,} across splits)"
    rows = tuple((_across(found), ", ".join(printable(item.path) for item in found.items)) for found in duplicates)
    return Section(title, text, ("across", "files"), rows, is_list=True)


def _across(found: DuplicateSet) -> str:
    across = {"classes": found.across_classes, "splits": found.across_splits}
    return " and ".join(name for name, is_across in across.items() if is_across) or "-"
