"""The report: one file that says everything of a run, loads nothing, and holds nothing but what was meant."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from json import loads
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

import nbgraph as ng
from nbgraph.errors import NodeError, OptionsError
from nbgraph.views.report import write_report
from nbgraph.views.report.limits import STEPS, kept_steps
from nbgraph.views.tracebacks import failing_line
from nbgraph.views.values import value_text

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' &amp; \u202e\x00"


class State(TypedDict):
    word: str
    log: Annotated[list[str], ng.append]


def ask_model(word: str) -> dict[str, Any]:
    return {"said": word, "model": "m", "usage": {"input_tokens": 10, "output_tokens": 2}}


def engine_of(word: str = "calm", *, fails: bool = False) -> ng.Engine:
    """Return an engine whose run "r1" looks, asks (with one call) and ends, or fails in its last node."""
    graph = ng.Graph(State, name=word)

    @graph.node
    def look(state):
        print(state["word"])  # noqa: T201 - what a node prints is part of its report
        return {"log": state["word"]}

    @graph.node(after="look")
    def ask(state, ctx):
        return {"log": ctx.call(ask_model, state["word"])["said"]}

    @graph.node(after="ask")
    def end(state):
        if fails:
            raise ValueError(state["word"])
        return {"word": state["word"] + "!"}

    return ng.Engine(graph, store=":memory:")


def ran(word: str = "calm", *, fails: bool = False) -> ng.Run:
    engine = engine_of(word, fails=fails)
    try:
        return engine.run({"word": word}, run_id="r1")
    except NodeError:
        return engine.open("r1")


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.inside = "", {"script": "", "style": ""}
        self._at = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._at = tag

    def handle_data(self, data):
        if self._at in self.inside:
            self.inside[self._at] = data
        else:
            self.text += data

    def handle_endtag(self, tag):
        self._at = ""

    def names(self) -> list[str]:
        return [name for name, _ in self.elements]


def page_of(run: Any, tmp_path: Path, **how: Any) -> Page:
    return Page(write_report(run, tmp_path / "r.html", **how).read_text(encoding="utf-8"))


def test_a_report_tells_what_happened(tmp_path):
    """Names, status, states, calls with request and response, prints and source are all on the page, without a script."""
    text = page_of(ran(), tmp_path).text
    for told in (
        "calm",
        "r1",
        "completed",
        "calm!",
        "ask_model",
        "input_tokens",
        "def look(state)",
        "Printed",
        "10 tokens in · 2 out",
    ):
        assert told in text, told


def test_a_failed_run_shows_its_error_and_the_line_that_raised(tmp_path):
    """The error stands on top, with the node's code and the one line of it that raised marked."""
    run = ran(fails=True)
    html = write_report(run, tmp_path / "r.html").read_text(encoding="utf-8")
    marked = re.findall(r'<span class="line marked">([^<]*)</span>', html)
    assert ["        raise ValueError(state[&quot;word&quot;])"] == marked
    assert "node &#x27;end&#x27; raised ValueError" in html


def test_hostile_text_adds_no_element_and_no_attribute(tmp_path):
    """Whatever names, values, prints and errors hold, the page has the elements and attributes of a harmless run's."""
    shapes = []
    for word in ("calm", HOSTILE):
        elements = page_of(ran(word, fails=True), tmp_path).elements
        shapes.append(Counter((tag, *sorted(attributes)) for tag, attributes in elements))
    assert shapes[0] == shapes[1]


def test_the_page_forbids_the_network_and_knows_its_one_script(tmp_path):
    """The policy lets nothing load, and only the page's own script run."""
    page = page_of(ran(), tmp_path)
    policy = next(
        attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    digest = b64encode(sha256(page.inside["script"].encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_page_refers_to_nothing_outside(tmp_path):
    """Every source is a data URI, every link leads into the page."""
    found = [
        value
        for tag, attrs in page_of(ran(), tmp_path).elements
        for key, value in attrs.items()
        if key in ("src", "srcset", "href")
    ]
    assert found
    assert [] == [value for value in found if not value.startswith(("data:image/svg+xml;base64,", "#"))]


def test_what_scripts_are_given_is_json(tmp_path):
    """The scrubber's data has a frame for the input and for each step, and cannot end its element."""
    html = write_report(ran(HOSTILE), tmp_path / "r.html").read_text(encoding="utf-8")
    told = html.split('<script type="application/json" id="frames">')[1].split("</script>")[0]
    assert [0, 1, 2, 3] == [frame["step"] for frame in loads(told)]
    assert not {"<", ">", "&"} & set(told)


def test_equal_runs_have_equal_reports(tmp_path, monkeypatch):
    """Without times, the page depends on the run alone."""
    monkeypatch.setenv("NBGRAPH_TIMES", "0")
    monkeypatch.setenv("NBGRAPH_LAYOUT", "builtin")
    one, other = (write_report(ran(), tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in "ab")
    assert one == other


def test_a_report_is_replaced_by_a_report(tmp_path):
    """Writing again to the same path is harmless: what is there is a report."""
    path = tmp_path / "r.html"
    write_report(ran(), path)
    assert path == write_report(ran("other"), path)
    assert "other" in path.read_text(encoding="utf-8")


def test_another_file_is_not_overwritten(tmp_path):
    """A file that is no report is left alone, unless one asks for it."""
    path = tmp_path / "thesis.html"
    path.write_text("years of work", encoding="utf-8")
    with pytest.raises(OptionsError, match="no report") as caught:
        write_report(ran(), path)
    assert ("nothing was written", "years of work") == (caught.value.still, path.read_text(encoding="utf-8"))
    write_report(ran(), path, overwrite=True)
    assert "<!doctype html>" == path.read_text(encoding="utf-8").split("\n")[0]


def test_a_folder_is_never_overwritten(tmp_path):
    """A folder cannot become a report."""
    with pytest.raises(OptionsError, match="folder"):
        write_report(ran(), tmp_path, overwrite=True)


def test_an_unknown_theme_is_refused(tmp_path):
    """A theme is "light" or "auto"."""
    with pytest.raises(OptionsError, match="theme"):
        write_report(ran(), tmp_path / "r.html", theme="pink")


def test_a_light_report_has_no_dark_side(tmp_path):
    """With theme="light" nothing follows the reader's system."""
    write_report(ran(), tmp_path / "r.html", theme="light")
    assert "prefers-color-scheme" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_fork_says_where_it_comes_from(tmp_path):
    """A fork's report tells its origin, and holds the shared steps."""
    engine = engine_of()
    engine.run({"word": "calm"}, run_id="r1")
    text = page_of(engine.fork("r1", 2, update={"log": "edited"}, new_id="f1"), tmp_path).text
    assert "r1 at step 2" in text.replace("r1 at", "r1 at")
    assert "look" in text


def test_a_run_that_has_not_begun_has_a_report(tmp_path):
    """A run without steps is a page too."""
    run = engine_of().run({"word": "calm"}, run_id="r1", before="look")
    assert "No task has run." in page_of(run, tmp_path).text


@pytest.mark.slow
def test_a_long_run_gives_a_small_page_that_says_what_is_missing(tmp_path):
    """Ten thousand tasks and a megabyte of state make a page of two megabytes at most, and a hint to the rest."""
    graph = ng.Graph({"out": Annotated[list[int], ng.append], "big": str}, name="fan")

    @graph.node(sends="work")
    def split(state):
        return [ng.Send("work", item=place) for place in range(10_000)]

    @graph.node
    def work(state):
        return {"out": state["item"]}

    run = ng.Engine(graph, store=":memory:").run({"big": "x" * 1_000_000}, run_id="r1")
    path = write_report(run, tmp_path / "r.html")
    assert 2_000_000 > path.stat().st_size
    text = Page(path.read_text(encoding="utf-8")).text
    assert "9,001 more tasks are left out here; run.tasks has them." in text


@pytest.mark.parametrize("total", [0, 1, STEPS - 1, STEPS, STEPS + 1, 1000, 10**6])
def test_kept_steps_are_in_order_with_both_ends(total: int):
    """What is kept of a run begins with the input, ends with the last step, and names no step twice."""
    kept = kept_steps(total)
    assert (0, total) == (kept[0], kept[-1])
    assert kept == sorted(set(kept))
    assert STEPS >= len(kept)


def test_the_failing_line_is_not_guessed():
    """A line that stands twice in the source is not marked: it might be the other one."""
    trace = 'Traceback:\n  File "x.py", line 9, in f\n    go()\nValueError: no\n'
    assert (2, 0) == (failing_line("def f():\n    go()", trace), failing_line("def f():\n    go()\n    go()", trace))


class Rude:
    """Raises where it should show itself."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<Rude, whose repr raised RuntimeError>", Rude()),
        ("a\nb", "a\nb"),
        ("{'a': 1}", {"a": 1}),
        (
            "[\n  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',\n  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',\n]",
            ["a" * 50] * 2,
        ),
    ],
)
def test_a_value_shows_as_a_person_reads_it(text: str, value: Any):
    """Small values stand on a line, others part by part, and one that cannot show itself says so."""
    assert text == value_text(value, 1000)


def test_a_large_value_costs_what_is_shown_of_it():
    """Of a value with a million parts only those are looked at that have room."""
    looked = []

    class Counting(list):
        def __iter__(self):
            for part in range(10**6):
                looked.append(part)
                yield part

    assert 100 >= len(value_text({"a": Counting([1])}, 99))
    assert 300 > len(looked)


# -- costs


def priced(name: str = "gpt-4o") -> ng.Run:
    """Return a run whose node uses a model."""
    graph = ng.Graph({"n": int}, name="priced")

    @graph.node
    def ask(state, ctx):
        ctx.call(lambda: {"model": name, "usage": {"input_tokens": 1000, "output_tokens": 100}})

    @graph.node(after="ask")
    def plain(state, ctx):
        ctx.call(len, [1])

    return ng.Engine(graph, store=":memory:", prices={"odd": (1, 1), HOSTILE_MODEL: (1, 1)}).run({"n": 0}, run_id="r1")


HOSTILE_MODEL = "</style><img src=x onerror=alert(1)>"


def test_a_report_tells_what_was_paid(tmp_path):
    """Cost in the head and by node and model, the price with its date, and each call's use and cost are on the page."""
    text = page_of(priced(), tmp_path).text
    for told in (
        "cost$0.0035", "gpt-4o", "1,000 tokens in · 100 out · $0.0035", "2.50 in, 10.00 out", "as of 2025-10-15",
        "Cost so far: $0.0035",
    ):  # fmt: skip
        assert told in text, told


def test_a_run_that_used_no_model_has_no_costs(tmp_path):
    """A report of calls without a model has no section of costs and tells no amount."""
    graph = ng.Graph({"n": int}, name="plain")
    graph.node(lambda state, ctx: ctx.call(len, [1]) and None, name="plain")
    text = page_of(ng.Engine(graph, store=":memory:").run({"n": 0}, run_id="r1"), tmp_path).text
    assert "Costs" not in text
    assert "$" not in text


def test_a_model_name_is_text_in_a_report(tmp_path):
    """Whatever a model is called, the page has the elements of a page without it."""
    pages = [page_of(priced(name), tmp_path) for name in ("odd", HOSTILE_MODEL)]
    assert pages[0].names() == pages[1].names()
    assert HOSTILE_MODEL in pages[1].text
