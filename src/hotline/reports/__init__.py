"""Rows of the history into tables. Each metric is defined once, in `domain/metrics.py`."""
