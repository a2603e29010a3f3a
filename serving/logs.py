"""The log on stderr: one line an event, written outside the time of a request."""

import asyncio
import logging
import sys
from typing import TextIO


class _Handler(logging.StreamHandler[TextIO]):
    """Writes the lines of one turn of the event loop together: each write costs a tenth of a small request.

    Outside an event loop a line is written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or let it wait for the end of this turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            super().emit(record)
            return
        if not self._lines:
            loop.call_soon(self.write_lines)
        self._lines.append(self.format(record) + self.terminator)

    def write_lines(self) -> None:
        """Write the lines that wait."""
        lines, self._lines = self._lines, []
        self.stream.write("".join(lines))
        self.flush()

    def close(self) -> None:
        """Write the lines that wait, when the process ends."""
        self.write_lines()
        super().close()


def configure() -> None:
    """Log warnings of all packages, and everything of Vistazo from `INFO`."""
    # Facts that no line of the log has, each of which costs a system call or more for every line.
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False
    handler = _Handler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("vistazo").setLevel(logging.INFO)
