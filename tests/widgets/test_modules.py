"""A widget's page side: how its files are joined, and what each of them keeps to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbgraph.views.palette import STATUSES
from nbgraph.views.widgets import modules
from nbgraph.views.widgets.modules import joined, module, stylesheet

STATIC = Path(modules.__file__).parent / "static"
FILES = sorted(STATIC.glob("*.js"), key=lambda file: file.name)
ROOTS = [file.stem for file in FILES if "export default" in file.read_text(encoding="utf-8")]
IMPORTED = re.compile(r"^import \{ ([\w, ]+) \} from \"\./([\w-]+)\.js\";$", re.MULTILINE)
TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*? |const |let |class )(\{[^}]*\}|\w+)([^;\n]*)", re.MULTILINE)
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\((?! ?0[ ,]+0[ ,]+0\b)")


def top_names(text: str) -> list[str]:
    """Return the names that a module declares at its top level."""
    found = []
    for name, rest in TOP.findall(text):
        found.append(name)
        found += re.findall(r", (\w+) = ", rest) if "(" not in rest.partition("=")[0] else []
    return found


@pytest.mark.parametrize("name", ROOTS)
def test_a_joined_module_imports_nothing_and_exports_its_widget(name: str):
    """What is sent to a page is one text that needs no other file."""
    text = module(name)
    assert [] == re.findall(r"^import .*", text, re.MULTILINE)
    assert ["export default"] == re.findall(r"^export \w+", text, re.MULTILINE)


@pytest.mark.parametrize("name", ROOTS)
def test_the_names_of_joined_files_do_not_meet(name: str):
    """Files that are joined declare no name twice, as they share one scope then."""
    names = top_names(module(name))
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_import_finds_its_export(file: Path):
    """A file imports on one line a name, and only names that the other file exports."""
    text = file.read_text(encoding="utf-8")
    assert len(re.findall(r"^import ", text, re.MULTILINE)) == len(IMPORTED.findall(text))
    for names, other in IMPORTED.findall(text):
        exported = re.findall(r"^export (?:async )?(?:function\*?|const|class) (\w+)", (STATIC / f"{other}.js").read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
        assert set() == set(names.split(", ")) - set(exported)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_import_is_used(file: Path):
    """A file imports nothing that it does not use."""
    text = file.read_text(encoding="utf-8")
    rest = IMPORTED.sub("", text)
    names = [name for found, _ in IMPORTED.findall(text) for name in found.split(", ")]
    assert [] == [name for name in names if not re.search(rf"\b{name}\b", rest)]


def test_every_file_is_part_of_a_widget():
    """There is no page side that nothing sends."""
    used = set(ROOTS)
    waiting = list(ROOTS)
    while waiting:
        text = (STATIC / f"{waiting.pop()}.js").read_text(encoding="utf-8")
        new = {other for _, other in IMPORTED.findall(text)} - used
        used |= new
        waiting += new
    assert {file.stem for file in FILES} == used


def test_a_file_that_is_imported_twice_is_sent_once():
    """What several files share is written once."""
    text = joined('import { el } from "./dom.js";\nimport { icon } from "./icons.js";\nexport default {};\n')
    assert 1 == text.count("function el(")


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.css")), ids=lambda file: file.name)
def test_colours_come_from_the_palette(file: Path):
    """A style sheet names no colour of its own, but for shadows."""
    assert [] == COLOUR.findall(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", ["color: #fff", "fill: rgb(1, 2, 3)", "background: hsl(20 10% 5%)"])
def test_a_colour_of_its_own_is_noticed(rule: str):
    """The check above can fail."""
    assert COLOUR.findall(rule)


def test_a_stylesheet_brings_both_themes():
    """Each status has its colours for light and for dark, chosen by the notebook's theme before the system's."""
    text = stylesheet()
    for status, look in STATUSES.items():
        assert f"--ng-{status}-fill: {look.light[0]};" in text
        assert f"--ng-{status}-fill: {look.dark[0]};" in text
    assert text.index("prefers-color-scheme: dark") < text.index('data-jp-theme-light="true"')
