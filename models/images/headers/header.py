"""The result of reading a header."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """The facts about a picture that cost nothing to read, and the bytes that are safe to decode.

    `data` is the file without what decoding does not need: metadata, thumbnails, further pages. `width` and `height`
    are in pixels, as stored. `decoded_bytes` is the memory that decoding takes at its peak, estimated from above.
    `orientation` is 1 to 8, as in EXIF.
    """

    data: bytes
    width: int
    height: int
    decoded_bytes: int
    orientation: int = 1

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height
