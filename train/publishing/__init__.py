"""Publish a bundle on the Hugging Face Hub."""
