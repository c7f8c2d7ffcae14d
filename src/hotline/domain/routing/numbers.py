"""Which of our numbers was called."""

from hotline.domain.settings import NumberSettings, Settings

__all__ = ["entry"]


def entry(settings: Settings, called: str) -> NumberSettings | None:
    """The entry for a dialled number: itself, then the same digits with or without `+`, then `*`."""
    numbers = settings.numbers
    if found := numbers.get(called):
        return found
    other = called[1:] if called.startswith("+") else f"+{called}"
    return numbers.get(other) or numbers.get("*")
