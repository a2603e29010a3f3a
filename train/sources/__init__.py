"""Data sources: download, verify, unpack and split upstream's archives, or split a user's folder."""
