"""Hotline: the self-hosted hotline behind a company's toll-free number."""

__version__ = "0.1.0"
