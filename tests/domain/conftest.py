"""One hotline for each test."""

import pytest

from tests.domain.kit import HotlineKit


@pytest.fixture
def hotline() -> HotlineKit:
    return HotlineKit()
