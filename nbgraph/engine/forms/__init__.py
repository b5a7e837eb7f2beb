"""What a question's answer must look like: a type as data, and an answer against either.

A *form* is the JSON Schema of a type, kept with the question, so that an answer can be checked by a kernel that
does not have the type. In the order in which a question meets them:

- ``describe`` (describing): the form of a type, when the node asks;
- ``hint`` (words): the form in a few words, for the person;
- ``plain`` (data): what the person gives, as JSON data;
- ``check`` (checking): whether that fits the form; ``rules`` says what each keyword demands, ``problems`` which
  problem is told;
- ``build`` (building): the data as an instance of the type, when the node goes on.

All of them take what a file says of a form through ``reading``: it may be anything. Only the keywords named in
``keywords`` are read from it; ``pattern`` is shown and never run (``build`` enforces it, from the node's own type),
no reference leads out of the form, and work is bounded.

Knows nothing of runs, stores or who asks. Most runs ask nothing: pydantic and jsonschema are imported when one does.
"""

from nbgraph.engine.forms.building import build
from nbgraph.engine.forms.checking import check
from nbgraph.engine.forms.data import MAX_LEVELS, plain
from nbgraph.engine.forms.describing import describe
from nbgraph.engine.forms.words import hint

__all__ = ["MAX_LEVELS", "build", "check", "describe", "hint", "plain"]
