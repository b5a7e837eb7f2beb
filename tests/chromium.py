"""The real browser that tests drive: where it is, how it is opened, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 30_000
"""Milliseconds after which what a page should show has not come: a busy machine may be slow, a test need not be strict."""
# No sandbox: containers run as root. No background traffic: a request that leaves this machine is a failure.
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
]


@cache
def found() -> str:
    """Return the program that `.ci/browser` finds; "" if there is none."""
    look = subprocess.run(["sh", str(ROOT / ".ci" / "browser"), "--find"], capture_output=True, text=True)
    return look.stdout.strip()


def opened() -> Iterator[Any]:
    """Open a headless browser with an empty profile; a fixture of scope "module" yields from this.

    Not "session": while Playwright's sync API is open, its event loop counts as running in this thread, and
    ``asyncio.run`` in any other test of the process fails. Opening it again costs about a second.
    """
    from playwright import sync_api

    sync_api.expect.set_options(timeout=PATIENCE)
    program = found()
    if not program:
        missing = "no Chromium was found; `sh .ci/browser` installs one, CHROMIUM=/path/to/chromium names one"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS, headless=True)
        yield browser
        browser.close()
