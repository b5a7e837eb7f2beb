"""What Hypothesis draws for the contract, and how often.

Owns the strategies and the settings that its parts share.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

drawn_often = settings(
    max_examples=40,
    deadline=None,
    # One store for all examples of a class, and one such test in each class: meant so.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)

counts = st.integers(0, 2**31)


def texts_drawn(number: int) -> st.SearchStrategy[list[str]]:
    """Draw so many texts of any characters that UTF-8 has."""
    return st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=number, max_size=number)
