"""What all tests share: the examples that Hypothesis draws, the same each time or not, and that stop is heard."""

from __future__ import annotations

import os
import signal

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

# A shell has what it starts in the background ignore Ctrl-C, and a kernel inherits that: nobody would hear stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
