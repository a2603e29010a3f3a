"""The commands of `python -m spaces_config`, one module each. A module is imported only when its command is used."""
