"""The commands of `python -m train`, one module each. A module is imported only when its command is used."""
