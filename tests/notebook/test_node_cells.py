"""``%%node``: the cell is the node, and everything that looks at code finds the cell."""

from __future__ import annotations

import inspect

import pytest

MULTILINE = '''%%node one
text = """
first
  second"""
{"words": text}
'''


@pytest.fixture
def graph(cells):
    """A notebook in which a graph was made."""
    cells.run("%graph g --state Words")
    return cells.ns["g"]


def result_of(cells, node="one"):
    """Return what a run of the graph collects."""
    return cells.ns["ng"].Engine(cells.ns["g"]).run({}).state["words"]


def test_the_last_expression_is_the_update(cells, graph):
    """A cell's last expression is what its node returns."""
    cells.quiet("%%node one\nword = 'a'\n{'words': word + 'b'}")
    assert ["ab"] == result_of(cells)


def test_return_ends_a_node(cells, graph):
    """``return`` gives the update from anywhere in the body."""
    cells.quiet("%%node one\nif True:\n    return {'words': 'early'}\n{'words': 'late'}")
    assert ["early"] == result_of(cells)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{'words': 'a'};", ["a"]),
        ("x = 1; {'words': 'a'}", ["a"]),
        ("({'words':\n  'a'})", ["a"]),
        ("{'words': 'é' 'ü'}", ["éü"]),
        ("'''says what it does'''", []),
        ("print  # a name alone, and nothing comes of it\nNone", []),
        ("...", []),
        ("if 1:\n\t{'words': 'a'}", []),
        ("if 1:\n\treturn {'words': 'a'}", ["a"]),
        ("[words] = !echo a\n{'words': words}", ["a"]),
    ],
)
def test_what_a_body_returns(cells, graph, body, words):
    """Only an expression at the top level at the end is returned; the rest of Python means what it always means."""
    cells.quiet(f"%%node one\n{body}")
    assert words == result_of(cells)


def test_multi_line_strings_are_not_touched(cells, graph):
    """A string over several lines has the characters that the cell has."""
    cells.quiet(MULTILINE)
    assert ["\nfirst\n  second"] == result_of(cells)


@pytest.mark.parametrize("line", ["\u2028 {x}", "\\\n  {x}", "'''\n {x}", "{'''\n  '''}"])
def test_strings_of_every_kind_are_not_touched(cells, graph, line):
    """Separators, continued lines and f-strings keep their white space."""
    cell = f'x = 1\nt = f"""a\n{line}\n b"""\n'
    plain: dict = {}
    exec(cell, plain)
    cells.quiet(f"%%node one\n{cell}{{'words': t}}")
    assert [plain["t"]] == result_of(cells)


def test_a_node_with_await_is_async(cells, graph):
    """Top-level ``await`` makes an async node; ``await`` in a function inside does not."""
    cells.quiet("%%node one\nimport asyncio\nawait asyncio.sleep(0)\n{'words': 'a'}")
    assert graph.nodes[0].is_async
    assert ["a"] == result_of(cells)
    cells.quiet("%%node one\nasync def f(): await f()\n{'words': 'b'}")
    assert not graph.nodes[0].is_async
    cells.quiet("%%node one --async\n{'words': 'c'}")
    assert graph.nodes[0].is_async


def test_names_of_the_body_are_local_and_others_are_the_notebooks(cells, graph):
    """A node sees the notebook's names as they are when it runs, and leaves none of its own behind."""
    cells.quiet("%%node one\nown = later\n{'words': own}", "later = 'x'")
    assert ["x"] == result_of(cells)
    assert "own" not in cells.ns


def test_a_traceback_names_the_cells_line(cells, graph):
    """What a node raises is shown at its line of its cell."""
    cells.run("%%node one\nx = 0\n\n1 / x")
    number = cells.shell.execution_count - 1
    told = cells.run("ng.Engine(g).run({})")
    assert f"Cell In[{number}], line 4, in one(state)" in told
    assert "----> 4 return 1 / x" in told


@pytest.mark.parametrize(
    ("body", "line", "why"),
    [
        ("x = 1\nfor x in y\n    pass", 3, "expected ':'"),
        ("x = (1", 2, "incomplete input"),
        ("x = 1\n  y = 2", 3, "unexpected indent"),
        ("def f():\n    nonlocal z", 3, "no binding for nonlocal 'z' found"),
        ("from json import *", 2, "import * only allowed at module level"),
        ("'''open", 2, "incomplete input"),
    ],
)
def test_a_syntax_error_is_exact(cells, graph, body, line, why):
    """A syntax error in the body is shown at its line, in Python's words, and no node is made."""
    told = cells.run(f"%%node one\n{body}")
    assert why in told
    assert f"line {line}" in told
    assert () == graph.nodes


def test_getsource_finds_the_node(cells, graph):
    """The function's source is the cell's text as a function, whatever the cell's number."""
    cells.quiet(MULTILINE)
    text = 'def one(state):\n    text = """\nfirst\n  second"""\n    return {"words": text}\n'
    assert text == inspect.getsource(cells.ns["one"])
    assert text.strip() == graph.nodes[0].source.text


def test_the_same_body_is_the_same_code_as_under_a_decorator(cells, graph):
    """A node has one fingerprint, written either way and in whichever cell."""
    cells.quiet("%%node one\n{'words': 'a'}")
    magic = graph.fingerprint
    cells.quiet("1 + 1;", "@g.node\ndef one(state):\n    return {'words': 'a'}")
    assert magic == graph.fingerprint


def test_ctx_is_there_when_the_body_speaks_of_it(cells, graph):
    """A body that uses ``ctx`` gets it."""
    cells.quiet("%%node one\n{'words': ctx.node}")
    assert ["one"] == result_of(cells)


def test_under_time_the_cell_is_still_found(cells, graph):
    """A node stacked under ``%%time`` has its source and its line."""
    assert "Wall time" in cells.run("%%time\n%%node one\nx = 0\n1 / x")
    number = cells.shell.execution_count - 1
    assert "def one(state):\n    x = 0\n    return 1 / x" == graph.nodes[0].source.text
    assert f"Cell In[{number}], line 4, in one(state)" in cells.run("ng.Engine(g).run({})")


def test_under_capture_the_node_is_made(cells, graph):
    """A node stacked under ``%%capture`` is made as if it stood alone."""
    cells.quiet("%%capture\n%%node one\n{'words': 'a'}")
    assert ["a"] == result_of(cells)


def test_options_are_those_of_the_decorator(cells, graph):
    """Every option of ``%%node`` is the decorator's, with values from the notebook."""
    cells.quiet("%%node one\n{}", "%%node b\n{}", "limit = 3")
    line = "--after one, b --retry 2 --timeout 0.5 --join each --sends b --routes one --limit limit --alias old"
    cells.quiet(f"%%node two {line} --no-reuse-calls --title 'second node'\n{{}}")
    node = next(node for node in graph.nodes if node.name == "second node")
    assert (2, 0.5, "each", 3) == (node.retry.attempts, node.timeout, node.join, node.limit)
    assert (("b",), ("one",), ("old",), False) == (*node.targets[1::-1], node.aliases, node.reuse_calls)
    assert ["one", "b"] == [edge.src for edge in graph.edges if edge.dst == "second node"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("%%node\n{}", "required: NAME"),
        ("%%node one --aftr x\n{}", "unrecognized arguments: --aftr"),
        ("%%node two words\n{}", "unrecognized arguments: words"),
        ("%%node a-b\n{}", 'no Python name; write %%node a_name --title "a-b"'),
        ("%%node class\n{}", "no Python name"),
        ("%%node one --join some\n{}", "invalid choice: 'some'"),
        ("%%node one --retry 0\n{}", "attempts"),
        ("%%node one --timeout soon\n{}", "--timeout: 'soon' raised NameError"),
        ("%%node one --limit (\n{}", "( is opened and not closed"),
        ("%%node one\n# nothing", "the cell has no body"),
        ("%%node one\nx = 1\nyield x", "line 3 yields"),
        ("%%node one --graph nowhere\n{}", "no graph 'nowhere' in this notebook; there is g"),
        ("%node nothing", "no function 'nothing'"),
        ("%%node g\n{}", "g is a graph of the notebook; write %%node g_node --title g"),
        ("%%node ng\n{}", "ng is a module of the notebook"),
    ],
)
def test_a_wrong_line_is_refused_in_words(cells, graph, cell, why):
    """What is wrong with a cell is said in one line without a traceback, and nothing was changed."""
    told = cells.run(cell)
    assert told.startswith("UsageError:")
    assert why in told
    assert "Traceback" not in told
    assert () == graph.nodes


def test_a_cell_that_fails_changes_nothing(cells, graph):
    """A cell that the graph refuses leaves the earlier node, and the earlier function of its name."""
    cells.quiet("%%node one\n{'words': 'a'}")
    assert "UsageError" in cells.run("%%node one --timeout -1\n{'words': 'b'}")
    assert ["a"] == result_of(cells)
    assert graph.nodes[0].fn is cells.ns["one"]
    assert "UsageError" in cells.run("%%node two --timeout -1\n{}")
    assert "two" not in cells.ns


def test_a_definition_that_is_refused_undoes_its_cell(cells, graph):
    """In a plain cell whose second node the graph refuses, the first is undone as well."""
    cells.quiet("@g.node\ndef one(state): return {'words': 'a'}")
    told = cells.run("@g.node\ndef one(state): return {'words': 'b'}\n@g.node(timeout=-1)\ndef two(state): pass")
    assert "GraphError" in told
    assert ["a"] == result_of(cells)


def test_a_run_that_fails_keeps_the_nodes_of_its_cell(cells, graph):
    """A cell that defines a node and runs the graph keeps the node where the run fails."""
    assert "NodeError" in cells.run("@g.node\ndef one(state): 1 / 0\nng.Engine(g).run({})")
    assert ["one"] == [node.name for node in graph.nodes]


def test_one_percent_makes_a_node_of_what_is_there(cells, graph):
    """``%node NAME`` registers a function, or another graph, that the notebook has."""
    cells.quiet("def one(state): return {'words': 'a'}", "%node one")
    cells.quiet("inner = ng.Graph(Words, name='inner')\n@inner.node\ndef deep(state): return {'words': 'b'}")
    cells.quiet("%node inner --after one --graph g")
    assert ["a", "b"] == result_of(cells)


def test_help_shows_the_options(cells):
    """``%%node?`` explains the magic."""
    told = cells.run("%%node?")
    assert "--after A,B" in told
    assert "graph.node(NAME" in told


def test_reloading_keeps_one_of_everything(cells, graph):
    """Loading again and again hangs in one transformer, one matcher and one pair of hooks; unloading none."""

    def hung():
        shell = cells.shell
        hooks = [len(shell.events.callbacks[event]) for event in ("pre_run_cell", "post_run_cell")]
        return [len(shell.input_transformers_cleanup), len(shell.Completer.custom_matchers), *hooks]

    once = hung()
    for _ in range(2):
        cells.quiet("%reload_ext nbgraph")
        cells.run("%load_ext nbgraph")
        cells.ns["ng"].load_ipython_extension(cells.shell)
        assert once == hung()
    cells.quiet("%%node one\n{'words': 'a'}")
    cells.quiet("%unload_ext nbgraph")
    assert [count - 1 for count in once] == hung()
    assert "not found" in cells.run("%%node one\n{}")


def test_cells_in_any_order(cells):
    """Cells may be run again in any order: the graph is what they say."""
    node = "%%node two --after one\n{'words': 'b'}"
    cells.run("%graph g --state Words")
    cells.quiet(node, "%%node one\n{'words': 'a'}", "%graph g --state Words", node, SETUP_AGAIN)
    cells.quiet("%graph g --state Words", node)
    assert ["a", "b"] == result_of(cells)


SETUP_AGAIN = "class Words(TypedDict):\n    words: Annotated[list, ng.append]\n    n: int\n    new: str"
