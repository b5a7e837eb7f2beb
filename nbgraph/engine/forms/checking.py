"""Whether an answer fits a form, from the data alone.

Owns ``check``, and the bound on its work. Knows nothing of the type that the form was made of.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from nbgraph.engine.forms.data import json_text
from nbgraph.engine.forms.problems import first_problem
from nbgraph.engine.forms.reading import read_form
from nbgraph.engine.forms.refusals import refused, unusable
from nbgraph.engine.forms.rules import Rule, is_integer, rules
from nbgraph.engine.forms.words import form_text
from nbgraph.errors import AnswerError

_WORK, _WORK_PER_CHARACTER, _WORK_PER_KEYWORD = 400_000, 500, 20  # far more than a form of a type needs


def check(description: dict[str, Any], value: Any) -> None:
    """Return if JSON data fits a form; True is no number, 1 is neither yes nor 1.0 a whole number.

    Raises ``AnswerError`` about the first problem in the order of paths, with ``path``, ``expected`` and ``actual`` in
    words; ``QuestionError`` if the description itself cannot be used.

    >>> check({"type": "boolean"}, "yes")
    Traceback (most recent call last):
    nbgraph.errors.AnswerError: the answer should be yes or no (true/false), but is "yes"
      Next: answer with yes or no (true/false)
    """
    text = json_text(value)
    try:
        refusal = _refusal(description, text)
    except Exception as error:  # a description from a file may break its reader in any way
        raise unusable(error) from error
    if refusal is not None:
        raise refusal


def _refusal(description: dict[str, Any], text: str) -> AnswerError | None:
    form = read_form(description)
    validator = _validator(form, _WORK + _WORK_PER_CHARACTER * len(text))
    errors = list(validator.iter_errors(json.loads(text)))
    return refused(first_problem(errors, form), todo=f"answer with {form_text(form)}") if errors else None


def _validator(form: dict[str, Any], work: int) -> Any:
    """Return jsonschema's validator with the rules here, which stops with ``ValueError`` after that much work."""
    import jsonschema.validators  # type: ignore[import-untyped] # noqa: PLC0415 - slow; most runs ask nothing
    import referencing  # noqa: PLC0415 - as above

    standard, left = jsonschema.Draft202012Validator, [work]
    cls = jsonschema.validators.create(
        meta_schema={},
        validators={name: functools.partial(_metered, left, rule) for name, rule in rules(standard.VALIDATORS).items()},
        type_checker=standard.TYPE_CHECKER.redefine("integer", is_integer),
    )
    return cls(form, registry=referencing.Registry())  # the default one would fetch what a reference names


def _metered(left: list[int], rule: Rule, checker: Any, wanted: Any, value: Any, form: Any) -> Any:
    left[0] -= _WORK_PER_KEYWORD + (len(wanted) if isinstance(wanted, (list, dict)) else 0)
    if left[0] < 0:
        raise ValueError("it takes too much work to check")
    return rule(checker, wanted, value, form) or ()
