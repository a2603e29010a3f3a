"""Evaluation of an exported model: metrics with intervals, charts, corruption robustness, and the report."""
