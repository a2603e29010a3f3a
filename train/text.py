"""Text that may contain file names which are not valid Unicode."""


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8; undecodable bytes of file names become backslash escapes."""
    return text.encode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    r"""Return the text with undecodable bytes of file names as backslash escapes, such as `\udcff`."""
    return to_bytes(text).decode("utf-8")
