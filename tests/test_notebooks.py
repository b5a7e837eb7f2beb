"""What the notebooks show before anything is run: all of it, in pictures that show everywhere, nothing of one machine."""

from __future__ import annotations

import base64
import os
import re
from importlib import util
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURE = re.compile(r'<img[^>]* src="data:image/svg\+xml;base64,([^"]+)"')
SHOWN = {"text/html", "text/markdown", "text/plain"}

each_notebook = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


def tool():
    """Return `.ci/notebooks.py` as a module."""
    spec = util.spec_from_file_location("refreshing", ROOT / ".ci" / "notebooks.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(file: Path) -> list[nbformat.NotebookNode]:
    """Return the code cells of a notebook."""
    return [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]


def outputs(file: Path) -> list[nbformat.NotebookNode]:
    """Return the outputs of all cells of a notebook."""
    return [output for cell in code_cells(file) for output in cell.outputs]


@each_notebook
def test_a_notebook_is_kept_as_run(file: Path):
    """Every code cell was run, once and in order."""
    cells = code_cells(file)
    assert list(range(1, len(cells) + 1)) == [cell.execution_count for cell in cells]
    assert outputs(file)


@each_notebook
def test_a_saved_output_needs_no_kernel_and_no_trust(file: Path):
    """Outputs are text, tables and pictures: no widget, no script, no markup that an untrusted notebook leaves out."""
    forms = {form for output in outputs(file) for form in output.get("data", {})}
    assert forms <= SHOWN
    pages = [output.data["text/html"] for output in outputs(file) if "text/html" in output.get("data", {})]
    assert [] == [page[:200] for page in pages if re.search(r"<(script|svg|iframe|link|style[^>]*>@import)", page)]


@each_notebook
def test_a_saved_picture_is_whole(file: Path):
    """Each picture is an SVG in a data URI, so it shows in an untrusted notebook and on code hosts; it parses."""
    pages = "".join(output.data.get("text/html", "") for output in outputs(file) if "data" in output)
    pictures = [base64.b64decode(picture) for picture in PICTURE.findall(pages)]
    assert pages.count("<img") == len(pictures) > 0
    assert {"{http://www.w3.org/2000/svg}svg"} == {ET.fromstring(picture).tag for picture in pictures}


@each_notebook
def test_a_notebook_stays_small(file: Path):
    """A notebook with its outputs is under 200 kB."""
    assert file.stat().st_size < 200_000


@each_notebook
def test_a_notebook_keeps_nothing_of_its_run(file: Path):
    """No times, no widget state, no version of Python: another run leaves the same file."""
    notebook = nbformat.read(file, as_version=4)
    assert {"kernelspec", "language_info"} == notebook.metadata.keys()
    assert {"name": "python"} == notebook.metadata.language_info
    assert [] == [cell.id for cell in notebook.cells if "execution" in cell.metadata]
    assert [] == [output.text for output in outputs(file) if output.get("name") == "stderr"]


def test_a_widget_leaves_the_picture_that_it_carries():
    """Where an output has a picture, the widget beside it is not saved; one without is kept, to be noticed."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "View()"}
    tidy = tool().tidy_output
    assert {"text/html", "text/plain"} == tidy({"data": {**view, "text/html": "<img>"}})["data"].keys()
    assert view == tidy({"data": view})["data"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("File \x1b[32m/opt/some where/nbgraph/engine/run.py:12\x1b[0m", "File nbgraph/engine/run.py:12"),
        ("<function f at 0x7f12deadbeef>", "<function f at 0x...>"),
        ("~/x/.venv/lib/python3.11/site-packages/tqdm/std.py", "site-packages/tqdm/std.py"),
        ("nothing special in nbgraph/x", "nothing special in nbgraph/x"),
    ],
)
def test_a_saved_text_names_no_machine(told: str, kept: str):
    """Folders, addresses and colours are taken out of what is saved."""
    assert kept == tool().plain(told.replace("some where", "somewhere"))


def test_a_stale_notebook_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """`--check` fails where a cell would show something else, says which, and writes nothing; then it is renewed."""
    for name in [*tool().FIXED, "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"]:
        monkeypatch.setenv(name, os.environ.get(name, ""))  # the tool sets them for its kernels; they are put back
    file = tmp_path / "one.ipynb"
    cell = nbformat.v4.new_code_cell("print(1 + 1)", id="sum")
    spec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec}), file)
    before = file.read_bytes()
    assert 1 == tool().main(["--check", str(file)])
    assert "cell 'sum'" in capsys.readouterr().out
    assert before == file.read_bytes()
    assert [0, 0] == [tool().main([str(file)]), tool().main(["--check", str(file)])]
    assert "2\n" == outputs(file)[0].text
