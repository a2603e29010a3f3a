"""Headers of the picture formats, read by hand in bounded time and memory. One module a format."""
