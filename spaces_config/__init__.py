"""The Hugging Face Space: its card, its files, a local run with a smoke test, and its deployment."""
