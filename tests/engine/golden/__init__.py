"""Journals of releases, kept for ever: each later release must recover them.

`python -m tests.engine.golden` writes this release's; it is done once, when the release is made.
"""
