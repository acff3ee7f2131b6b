"""`--where`: a condition on rows, written like Python, evaluated without it.

    status == "fits" and share < 0.5
    device in ("loihi2", "speck2f") or "conv" in model
    not (error > 0)

Names are the columns (mapper.verbs.batch.columns). What is not there compares as false.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from mapper.verbs.batch.columns import COLUMNS, Line
from nir_io.errors import BadInput
from nir_io.raw import printable

MOST_CHARACTERS = 2000
MOST_DEPTH = 50
Condition = Callable[[Line], bool]
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def where(text: str) -> Condition:
    """The condition that `text` states. Raises BadInput with what is wrong, and where."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput([f"option where: more than {MOST_CHARACTERS} characters"])
    try:
        tree = ast.parse(text.strip(), mode="eval")
        value = _value(tree.body, text, MOST_DEPTH)
    except SyntaxError as error:
        raise BadInput([f"option where: '{printable(text)}': {error.msg}"]) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise BadInput(["option where: too deeply nested"]) from error
    return lambda line: bool(value(line))


def _value(node: ast.expr, text: str, depth: int) -> Callable[[Line], object]:
    if depth == 0:
        raise ValueError
    match node:
        case ast.Constant(value=str() | int() | float() | None as constant):
            return lambda line: constant
        case ast.Name(id=name):
            if name not in COLUMNS:
                raise BadInput(
                    [
                        f"option where: there is no column '{printable(name)}'; there are: {', '.join(COLUMNS)}"
                    ]
                )
            return lambda line: line[name]
        case ast.Tuple(elts=found) | ast.List(elts=found):
            values = [_value(one, text, depth - 1) for one in found]
            return lambda line: tuple(value(line) for value in values)
        case ast.BoolOp(op=op, values=found):
            parts = [_value(one, text, depth - 1) for one in found]
            together = all if isinstance(op, ast.And) else any
            return lambda line: together(part(line) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _value(operand, text, depth - 1)
            return lambda line: not inner(line)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return lambda line: -number
        case ast.Compare(left=left, ops=ops, comparators=found):
            parts = [_value(one, text, depth - 1) for one in (left, *found)]
            return lambda line: _compare(ops, [part(line) for part in parts])
        case _:
            part = ast.get_source_segment(text.strip(), node) or ""
            raise BadInput(
                [
                    f"option where: '{printable(part)}' is not understood; expected columns, "
                    "numbers, texts, comparisons, and, or, not, in"
                ]
            )


def _compare(ops: list[ast.cmpop], values: list[object]) -> bool:
    return all(_holds(op, *pair) for op, pair in zip(ops, pairwise(values), strict=True))


def _holds(op: ast.cmpop, a: object, b: object) -> bool:
    if isinstance(op, ORDERED) and (a is None or b is None):
        return False
    compare = COMPARE.get(type(op))
    if compare is None:  # is, is not
        compare = operator.eq if isinstance(op, ast.Is) else operator.ne
    try:
        return bool(compare(a, b))
    except TypeError:  # a text and a number; a value that is not there
        return False
