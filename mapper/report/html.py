"""Self-contained pages: of a result, and of a batch. No network, no file beside them.

Templates escape everything; what scripts read is JSON in which no markup can begin, and
the only script that a page's policy lets run is the page's own, named by its hash.
"""

# jinja's modules have no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mapper.bundle.json import line
from mapper.report.page import safe
from mapper.report.words import counted, limit_of, number, sentence, told, typed

if TYPE_CHECKING:
    from mapper.bundle.result import Result
    from mapper.report.document import Report
    from mapper.report.plots import Plot

OWN = "mapper.report"
Filters = Mapping[str, Callable[..., object]]
NONE: Filters = MappingProxyType({})
SVG_STYLE = (
    "svg { background: #fff; font-family: sans-serif } text { fill: #1a1d23 } polyline { fill: none; "
    "stroke-width: 1.3 } .ideal { stroke: #8a93a3 } text.ideal { fill: #596273; stroke: none } "
    ".chip { stroke: #0b57b5 } text.chip { fill: #0b57b5; stroke: none } .other { stroke: #a3231d } "
    "text.other { fill: #a3231d; stroke: none } .grid { stroke: #d6dae2 } text.soft { fill: #596273 }"
)
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def result_html(result: Result, facts: Report) -> str:
    """The page of a result: that it fits and where, why it does not, or that it is undecided.

    facts: all that its report says (mapper.report.facts).
    """
    from mapper.report.sheet import sheet

    return rendered("result.html", script="print.js", sheet=sheet(result, facts))


def svg(plot: Plot) -> str:
    """A plot as a file of its own, readable on light and dark pages."""
    module = _environment(OWN).get_template("parts.html").module
    text = str(module.plot(plot))  # pyright: ignore[reportAttributeAccessIssue]
    lines = [line for line in text.splitlines() if line.strip()]
    lines[0] = lines[0].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    return "\n".join([lines[0], f"<style>{SVG_STYLE}</style>", *lines[1:]]) + "\n"


def rendered(
    template: str, *, script: str, package: str = OWN, filters: Filters = NONE, **values: object
) -> str:
    """A page of `template` with `script` in it.

    package: where both lie, if not beside the shared templates; filters: of that template alone.
    """
    code = _source(script, package)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    environment = _environment(package)
    environment.filters.update(filters)
    return environment.get_template(template).render(
        style=Markup(_source("style.css", OWN)),
        script=Markup(code),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        **values,
    )


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: _source(name, package)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(FILTERS)
    return environment


@cache
def _source(name: str, package: str) -> str:
    """A file of that package, or of the shared templates."""
    own = files(package) / name
    if not own.is_file():
        own = files(OWN) / "templates" / name
    return own.read_text(encoding="utf-8")


def script_data(values: object) -> Markup:
    """JSON inside a script element: no '<' in it, so nothing ends the element or begins one."""
    text = line(values)
    for char, escape in ESCAPES.items():
        text = text.replace(char, escape)
    return Markup(text)


def _shown(value: object) -> object:
    """Texts with invisible characters spelled out, as on a terminal."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 2 else f"{share:,.3g} times"


FILTERS: Filters = {
    "number": number,
    "percent": _percent,
    "plural": counted,
    "limit_of": limit_of,
    "sentence": sentence,
    "told": told,
    "typed": typed,
}
