"""Why the program ends, as exit codes and sentences (docs/reference/cli.md)."""

from enum import IntEnum

__all__ = ["Exit", "StartFailed"]


class Exit(IntEnum):
    """Exit codes of `hotline`."""

    OK = 0
    FAILED = 1
    """What was asked did not come about: a test call was not answered, a check found a remark with --strict."""
    USAGE = 2
    """The command line makes no sense."""
    CONFIGURATION = 3
    """The file has mistakes, or a sound it names cannot be heard."""
    SWITCH = 4
    """The switch is missing, does not fit or would not start: a taken port, most often."""
    DISK = 5
    """The data folder cannot be written, or the disk is full."""
    DATABASE = 6
    """The history's database cannot be used."""
    TAKEN = 7
    """Another engine is at work, or took over."""
    AWAY = 8
    """No engine is running that could be asked."""


class StartFailed(Exception):
    """Nothing was started, or all of it has been ended again; the sentence says why."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
