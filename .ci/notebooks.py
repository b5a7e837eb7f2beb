"""Make what the notebooks show before they are run, or say whether it is what they would show today.

    python .ci/notebooks.py [--check] [NOTEBOOK ...]

Owns the saved outputs: the same bytes each time, on any machine with the locked packages. So nothing is shown that
only this run knows (seconds, folders, addresses), and a live widget leaves the static picture that it carries.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"
FALLBACKS = ("text/html", "text/markdown", "image/png")

# What would make two runs of a notebook differ, each fixed at one value.
FIXED = {
    "PYTHONHASHSEED": "0",
    "NBGRAPH_LAYOUT": "builtin",  # which Graphviz is installed decides nothing
    "NBGRAPH_TIMES": "0",
    "NBGRAPH_PROGRESS": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "COLUMNS": "120",
    "NO_COLOR": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
# Whose key is there would be asked, for money: the local stand-in answers instead.
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
# What stands before these names is where a package lies, and differs from machine to machine.
FOLDER = re.compile(r"(?:~|/)[\w.~/+-]*/(?=nbgraph/\w|site-packages/|lib/python3)")


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return a copy with the outputs of a run of every cell, in ``folder``; raises what a cell raises."""
    made = copy.deepcopy(notebook)
    client = NotebookClient(
        made,
        timeout=300,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    return tidied(made)


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook with nothing in it that only one run or one machine knows."""
    made = copy.deepcopy(notebook)
    made.metadata.pop("widgets", None)
    made.metadata["language_info"] = {"name": "python"}
    for cell in made.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(tidy_output(output)) for output in cell.outputs]
    return made


def tidy_output(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output with the static picture in place of a widget, and texts that every run shares."""
    made = dict(output)
    if "data" in made:
        made["data"] = {kind: plain(value) for kind, value in made["data"].items() if not replaced(kind, made["data"])}
    if "text" in made:
        made["text"] = plain(made["text"])
    if "traceback" in made:
        made["traceback"] = [plain(line) for line in made["traceback"]]
    return made


def replaced(kind: str, data: Mapping[str, Any]) -> bool:
    """Say whether a form of an output goes, because the notebook shows another one where no kernel is."""
    return kind == WIDGET and any(other in data for other in FALLBACKS)


def plain(text: Any) -> Any:
    """Return a text without colours, folders and addresses; anything else as it is."""
    if not isinstance(text, str):
        return text
    return FOLDER.sub("", ADDRESS.sub("at 0x...", COLOUR_CODES.sub("", text)))


def differences(kept: nbformat.NotebookNode, fresh: nbformat.NotebookNode) -> Iterator[str]:
    """Yield, for every cell that would show something else today, how."""
    for old, new in zip(kept.cells, fresh.cells, strict=True):
        if old != new:
            yield f"cell {old.get('id')!r}:"
            before, after = (nbformat.v4.new_notebook(cells=[cell]) for cell in (old, new))
            sides = [nbformat.writes(each).splitlines() for each in (before, after)]
            yield from (f"  {line[:160]}" for line in difflib.unified_diff(*sides, "kept", "fresh", lineterm="", n=1))
    if kept.metadata != fresh.metadata:
        yield f"the notebook's metadata: {kept.metadata} is {fresh.metadata}"


def settle() -> None:
    """Have kernels start with the same environment everywhere."""
    os.environ.update(FIXED)
    for name in KEYS:
        os.environ.pop(name, None)
    own = tempfile.mkdtemp(prefix="nbgraph-notebooks-")
    os.environ.update(IPYTHONDIR=own, JUPYTER_RUNTIME_DIR=own, JUPYTER_CONFIG_DIR=own)


def main(arguments: list[str]) -> int:
    """Renew or check the notebooks that are named, or all; return how many would be different."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a notebook is not fresh")
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    options = parser.parse_args(arguments)
    settle()
    stale = 0
    for file in options.notebooks:
        kept = nbformat.read(file, as_version=4)
        fresh = execute(kept, file.parent)
        found = list(differences(kept, fresh))
        stale += bool(found)
        if found and not options.check:
            nbformat.write(fresh, file)
        print(f"{file.name}: {word(found, options.check)}", *(found if options.check else []), sep="\n")
    if stale and options.check:
        print("`make notebooks` renews them.")
    return stale if options.check else 0


def word(found: list[str], check: bool) -> str:
    """Return what became of a notebook."""
    if not found:
        return "fresh"
    return "would show something else today" if check else "renewed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
