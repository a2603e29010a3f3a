"""Pulling models from the Hugging Face Hub: sources, cache, download, errors."""
