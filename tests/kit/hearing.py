"""Who hears whom, as an assertion: a tone played at one leg is found at the other."""

from tests.kit.phones import Event, Phones

__all__ = ["assert_hears_nothing", "assert_hears_sound", "assert_hears_tone"]

QUIET_DB = -45


def assert_hears_tone(phones: Phones, call: str, hz: int, *, within_s: float = 5) -> Event:
    """The loudest tone at this ear is `hz`, and it is not broken by silence."""

    def is_it(heard: Event) -> bool:
        tones = heard["tones"]
        return bool(tones) and tones[0]["hz"] == hz

    return phones.hears(call, is_it, what=f"{hz} Hz", within_s=within_s)


def assert_hears_sound(phones: Phones, call: str, *, within_s: float = 5) -> Event:
    """Music or speech: something is there for most of the second."""
    return phones.hears(
        call,
        lambda heard: heard["level_db"] > QUIET_DB and heard["silent_ms"] < heard["window_ms"] / 2,
        what="sound",
        within_s=within_s,
    )


def assert_hears_nothing(phones: Phones, call: str, *, within_s: float = 5) -> Event:
    """A whole second of silence, or no packet at all."""
    return phones.hears(call, lambda heard: heard["level_db"] <= QUIET_DB, what="silence", within_s=within_s)
