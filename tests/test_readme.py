"""The README's code runs, in order, as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
_WORDS = ("completed", "waiting", "Oslo: booked")


def python_blocks() -> str:
    """Return all python blocks of the README as one script."""
    return "\n\n".join(
        re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )


def test_the_readme_runs(tmp_path: Path):
    """The README's blocks run one after the other, with warnings as errors, and say what they promise."""
    script = tmp_path / "readme.py"
    script.write_text(python_blocks(), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(README.parent)}
    command = [sys.executable, "-W", "error", script.name]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "" == run.stderr
    said = run.stdout.splitlines()
    assert re.fullmatch(r"completed - \d+ files, \d+ findings", said[0])
    assert any("the server is away" in line for line in said)
    assert ["completed", "waiting", "Oslo: booked"] == [line for line in said if line in _WORDS]
    assert any(line.startswith("First: task price") and "420" in line for line in said)
    assert "hello!!!" in said
    assert any("of its cost_budget of $0.001" in line and "the next call, POST" in line for line in said)
    assert "3 calls from the record, $0.0006375 saved, nothing called; no difference" in said[-1]
    assert (tmp_path / "runs.sqlite").exists()
