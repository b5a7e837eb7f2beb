"""The program around the verbs: start, streams, escaping, exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata

import pytest

from nbgraph.__main__ import main
from nbgraph.cli.program import program
from tests.cli.conftest import REPO, child
from tests.cli.plays import HOSTILE

PROBE = """
import contextlib, io, json, sys
from nbgraph.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    codes = [main(args) for args in json.loads(sys.argv[1])]
print(json.dumps({"codes": codes, "modules": sorted(sys.modules)}))
"""
HEAVY = {
    "asyncio",
    "graphviz",
    "IPython",
    "ipywidgets",
    "jsonschema",
    "numpy",
    "pandas",
    "pydantic",
    "prometheus_client",
}
VERBS = sorted(program.commands)


def loaded(*calls: list[str]) -> set[str]:
    """Return the modules that a fresh process has after these calls."""
    found = subprocess.run([sys.executable, "-c", PROBE, json.dumps(calls)], capture_output=True, text=True, cwd=REPO)
    return set(json.loads(found.stdout)["modules"])


def test_help_starts_nothing_heavy(file):
    """Help, of the program and of every verb, and the list of runs load no heavy package."""
    calls = [["--help"], *([verb, "--help"] for verb in VERBS), ["runs", str(file)]]
    assert set() == HEAVY & loaded(*calls)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, ask):
    """Each verb has help that names --json."""
    code, text = ask(verb, "--help")
    assert (code, "--json" in text) == (0, True)


def test_the_scheme_of_exit_codes_is_in_the_help(ask):
    """What 0, 1 and 2 mean is told."""
    text = ask("--help")[1]
    assert all(f"  {code}  " in text for code in range(3))


def test_main_returns_the_exit_code(file, tmp_path, capsys):
    """The function behind the script returns what the process would end with."""
    assert main(["verify", str(file)]) == 0
    assert "all is well (5 runs" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "no")]) == 2
    assert "there is no store" in capsys.readouterr().err


def test_errors_for_people_go_to_stderr(tmp_path):
    """An error is its message and its next step, on stderr, without a traceback."""
    found = child("runs", tmp_path / "no.sqlite")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("StoreReadOnly: there is no store")
    assert "Next: check the path" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    "args", [["runs"], ["runs", "--nothing", "f"], ["nothing", "f"], ["show", "f", "r", "--step", "x"]]
)
def test_wrong_usage_is_one_document_too(args):
    """With --json also wrong usage is one JSON document on stdout, with exit code 2."""
    found = child(*args, "--json")
    assert (found.returncode, found.stderr) == (2, "")
    assert set(json.loads(found.stdout)["error"]) == {"type", "message", "still", "todo"}
    assert (child(*args).returncode, child(*args).stdout) == (2, "")


@pytest.mark.parametrize("verb", ["runs", "show", "tasks", "calls", "diff", "inbox", "export", "verify"])
def test_no_control_character_reaches_a_terminal(file, verb):
    """Whatever names, states, prompts and errors hold, only line feeds and printable characters are written."""
    more = {"show": [HOSTILE], "tasks": [HOSTILE], "calls": [HOSTILE], "diff": ["bad", HOSTILE], "export": ["waiting"]}
    for args in ([], ["--json"]):
        found = child(verb, *args, "--", file, *more.get(verb, []))
        text = found.stdout + found.stderr
        assert found.returncode in (0, 1)
        assert {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")} <= {"\n"}


def test_errors_are_escaped_as_well(file):
    """The name of a run that is not there, and a failure's words, are escaped."""
    for args in (["show", file, "\x1b[2J"], ["show", file, "bad"]):
        found = child(*args)
        assert "\x1b" not in found.stdout + found.stderr
        assert "\\x1b[2J" in found.stdout + found.stderr


@pytest.mark.parametrize("args", [["export", "done"], ["runs"], ["verify"], ["export", "done", "--json"]])
def test_a_reader_that_goes_away_is_no_error(file, args):
    """A pipe that is closed early ends the program quietly, with the code of its answer."""
    command = [sys.executable, "-m", "nbgraph", args[0], str(file), *args[1:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPO)
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), complaint) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_pipes_get_utf8_whatever_the_locale(file, monkeypatch, encoding):
    """What goes into a pipe is UTF-8, also where the system's own encoding is another."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    assert main(["calls", str(file), "waiting"]) == 0
    sys.stdout.flush()
    assert "…" in raw.getvalue().decode("utf-8")


def test_a_run_whose_name_looks_like_an_option(tmp_path, ask):
    """What begins with a dash is given after two."""
    code, _ = ask("show", "--", tmp_path / "no", "--json")
    assert code == 2
