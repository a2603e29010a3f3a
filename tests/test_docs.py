"""The documentation is true: its links lead somewhere, and its commands exist with the options that it shows."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from docs import generate_commands
from tests import markdown
from tests.helpers.project import ROOT

GENERATED = markdown.DOCS / "commands.md"


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    """The programs that use Typer, by command line."""
    return generate_commands.commands()


def generated_help() -> dict[str, str]:
    """The help of each command line, as docs/commands.md has it."""
    pattern = r"^## ([^\n]+)\n\n```text\n(.*?)\n```$"
    return dict(re.findall(pattern, GENERATED.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


def shown_commands() -> list[str]:
    """The command lines of this project in the pages: in shell blocks, and in the text between backticks."""
    found: set[str] = set()
    for page in {*markdown.PAGES} - {GENERATED, ROOT / "CHANGELOG.md"}:
        lines = [line.partition(" #")[0] for block in markdown.blocks(page, "sh") for line in block.splitlines()]
        spans = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
        for line in lines + spans:
            found.update(re.findall(r"^(?:\.venv/bin/)?(python (?:-m (?!pytest|docs|pip)|app\.py).*)", line.strip()))
    return sorted(command for command in found if not re.search(r"[|…]", command))


def shown_make_targets() -> list[str]:
    pages = " ".join(page.read_text(encoding="utf-8") for page in markdown.PAGES)
    return sorted(set(re.findall(r"(?:^|`|\s)make ([a-z]+)(?=$|`| +#| ARGS| PYTHON)", pages, re.MULTILINE)))


def test_the_help_of_the_commands_is_current() -> None:
    current = generate_commands.typer_help()
    assert {name: text for name, text in generated_help().items() if name in current} == current, "see docs/commands.md"


def test_the_help_of_the_benchmarks_is_current() -> None:
    current = generate_commands.argparse_help()
    assert {name: text for name, text in generated_help().items() if name in current} == current, "see docs/commands.md"


def test_no_other_command_is_listed() -> None:
    scripts = {f"python -m benchmarks.{script}" for script in generate_commands.SCRIPTS}
    assert generated_help().keys() == generate_commands.typer_help().keys() | scripts


def test_each_benchmark_is_listed() -> None:
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")}
    scripts.discard("training_worker")  # a process of benchmarks.training
    assert {f"python -m benchmarks.{script}" for script in scripts} <= generated_help().keys()


@pytest.mark.parametrize("line", shown_commands())
def test_the_commands_shown_are_accepted(commands: dict[str, Any], line: str) -> None:
    words = shlex.split(line)
    program = " ".join(words[: 3 if words[1] == "-m" else 2])
    arguments = words[len(program.split()) :]
    command = commands.get(program)
    if command is None:  # a benchmark with argparse
        options = {word for word in arguments if word.startswith("--")}
        assert options <= set(re.findall(r"--[\w-]+", generated_help()[program]))
        return
    while hasattr(command, "get_command") and arguments:
        name = arguments.pop(0)
        command = command.get_command(command.context_class(command), name)
        assert command is not None, f"{program} has no command {name}"
    if arguments and arguments != ["--help"]:
        command.make_context(program, arguments)


def test_commands_are_shown() -> None:
    assert len(shown_commands()) > 20


@pytest.mark.parametrize("target", shown_make_targets())
def test_the_make_targets_shown_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", markdown.PAGES, ids=markdown.name)
def test_the_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in markdown.links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"https?://|mailto:", link):
            continue
        if not target.exists() or (anchor and anchor not in markdown.anchors(target)):
            broken.append(link)
    assert broken == []


def test_each_page_of_docs_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [markdown.READMES[0]]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached:
            continue
        reached.add(page)
        targets = (page.parent / link.partition("#")[0] for link in markdown.links(page) if "://" not in link)
        waiting += [target for target in targets if target.suffix == ".md" and target.exists()]
    assert {page for page in markdown.PAGES if page.parent == markdown.DOCS} <= reached


@pytest.mark.parametrize("page", markdown.READMES, ids=markdown.name)
def test_the_readme_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").split()) <= 900
