"""What all tests share: how many examples Hypothesis draws, and whether they are the same each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: a shared machine stalls now and then, and that says nothing about the code.
settings.register_profile("dev", deadline=None, print_blob=True, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    print_blob=True,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
