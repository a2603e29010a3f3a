"""The Hub, as a stub on this machine, and what is tested against it."""
