"""What several contracts need: where processes come from, and where they pay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.lives import Nursery
from tests.contracts.till import Till
from tests.widgets.wire import Wire, laid


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where processes come from."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def till() -> Iterator[Till]:
    """A server that counts what was paid."""
    with Till() as till:
        yield till


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """What widgets send, in place of a kernel's comms."""
    return laid(monkeypatch)
