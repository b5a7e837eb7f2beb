"""A budget holds over any number of lives of a run: what a killed process may have paid is not forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nbgraph as ng
from nbgraph.testing import CrashingStore
from tests.engine.outside import REPO
from tests.engine.spending import PRICES, row

pytestmark = pytest.mark.slow
BUDGET, USES = 60, 10
"""In tokens: what the run may use, and what each of its calls does. One is expected to use 29 at most."""


def engine_of(folder: Path, store: ng.Store) -> ng.Engine:
    """Return an engine whose nodes leave a line in a file for every call that is really made."""

    def ask(text, model, max_tokens):
        with (folder / "paid").open("a") as file:
            file.write("paid\n")
        return {"model": model, "usage": {"input_tokens": 0, "output_tokens": USES}}

    def node(state, ctx):
        ctx.call(ask, "hello", model="m", max_tokens=20)
        return {"log": "asked"}

    return ng.Engine(row(6, node), store=store, prices=PRICES)


def paid(folder: Path) -> int:
    """Return how many calls were really made."""
    return len((folder / "paid").read_text().splitlines()) if (folder / "paid").exists() else 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("line", range(1, 9))
def test_a_killed_run_keeps_to_its_budget(when, line, tmp_path):
    """Killed at any line of the log of calls and resumed with the same budget, no more than it is spent in all lives."""
    died = subprocess.run(
        [sys.executable, "-m", __name__, tmp_path, f"{when} record", str(line)], cwd=REPO, check=False
    )
    assert -9 == died.returncode
    with ng.SqliteStore(tmp_path / "r.sqlite") as store, ng.SqliteStore(tmp_path / "free.sqlite") as other:
        engine = engine_of(tmp_path, store)
        with pytest.raises(ng.BudgetError) as caught:
            engine.resume("r", token_budget=BUDGET)
        assert paid(tmp_path) * USES <= caught.value.spent <= BUDGET
        assert "completed" == engine.resume("r").status
        free = engine_of(tmp_path, other).run(run_id="r")
        assert free.digest == engine.open("r").digest


if __name__ == "__main__":
    folder, point, occurrence = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    store = CrashingStore(ng.SqliteStore(folder / "r.sqlite"), point, occurrence)
    engine_of(folder, store).run(run_id="r", token_budget=BUDGET)
