"""Every end-to-end test gets a hotline of its own and real phones, and is checked for leaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.hotline import Hotline, assert_nothing_leaks
from tests.kit.phones import Phones, phones_running

HERE = Path(__file__).resolve().parent
ECHO = 704
SETTLE_GAUGES = ("legs", "dialogs", "rooms", "players", "recordings", "ports")
"""What must be back at once; transactions linger 32 s by RFC 3261 and have a test of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is end to end."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(name="phones")
def _phones(tmp_path: Path) -> Iterator[Phones]:
    with phones_running(tmp_path) as phones:
        yield phones


@pytest.fixture(name="cold_hotline")
def _cold_hotline(tmp_path: Path) -> Iterator[Hotline]:
    """Running; the test itself may kill and start its halves."""
    hotline = Hotline(tmp_path, HERE / "company.toml")
    hotline.start()
    yield hotline
    hotline.stop()


@pytest.fixture(name="hotline")
def _hotline(cold_hotline: Hotline, phones: Phones) -> Iterator[Hotline]:
    """Running and warm: one call has been; what is held then is held again when the test is over."""
    phones.call("warm-up", cold_hotline.uri(ECHO), from_="+70000000000", hangup_after_ms=200)
    phones.expect("ended", call="warm-up")
    cold_hotline.await_calls(1)
    before = cold_hotline.holdings()
    gauges = {
        name: value
        for name, value in cold_hotline.figures().items()
        if any(word in name for word in SETTLE_GAUGES) and not name.split("{")[0].endswith("_total")
    }
    yield cold_hotline
    assert_nothing_leaks(cold_hotline, before, gauges, within_s=15)
