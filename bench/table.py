"""A table that prints each row as soon as it is known."""

__all__ = ["Table"]


class Table:
    """Columns by name; numbers are shown with three significant digits, a missing one as a dash."""

    def __init__(self, *names: str) -> None:
        self._widths = [max(len(name), 8) for name in names]
        self._print(list(names))

    def row(self, *values: object) -> None:
        """Prints one row."""
        self._print([_shown(value) for value in values])

    def note(self, sentence: str) -> None:
        """Prints a sentence under the last row."""
        print(f"    {sentence}", flush=True)

    def _print(self, cells: list[str]) -> None:
        print(" | ".join(cell.rjust(width) for cell, width in zip(cells, self._widths, strict=True)), flush=True)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
