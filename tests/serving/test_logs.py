"""The log: every line arrives, in order, and those of one turn of the event loop together."""

import asyncio
import io
import logging

from serving.logs import _Handler


class Recorder(io.StringIO):
    """A stream that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Remember the text."""
        self.writes.append(text)
        return super().write(text)


def logger_on(stream: Recorder) -> tuple[logging.Logger, logging.Handler]:
    handler = _Handler(stream)
    logger = logging.Logger("of this test")
    logger.addHandler(handler)
    return logger, handler


def test_lines_of_one_turn_are_one_write() -> None:
    stream = Recorder()
    logger, _ = logger_on(stream)

    async def turn() -> None:
        logger.info("first %s", "á")
        logger.info("second")
        assert stream.writes == []
        await asyncio.sleep(0)
        logger.info("third")

    asyncio.run(turn())
    assert stream.writes == ["first á\nsecond\n", "third\n"]


def test_outside_an_event_loop_a_line_is_written_at_once() -> None:
    stream = Recorder()
    logger, _ = logger_on(stream)
    logger.info("now")
    assert stream.getvalue() == "now\n"


def test_nothing_is_lost_at_the_end() -> None:
    stream = Recorder()
    logger, handler = logger_on(stream)

    async def turn() -> None:
        logger.info("last")
        handler.close()
        assert stream.getvalue() == "last\n"

    asyncio.run(turn())
