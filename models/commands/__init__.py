"""The commands of `python -m models`, one module each. A module is imported only when its command is used."""
