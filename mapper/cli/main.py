"""The command line. Nothing heavy is imported until a command runs.

Exit codes: 0 fits or done, 1 does not fit (or a bundle that is rejected), 2 bad input or
use, 3 undecided, 4 our own bug.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from device_profiles.errors import ProfileError
from mapper.cli.arguments import parser
from mapper.cli.given import asking_of, reading_of
from mapper.errors import BAD_INPUT, DOES_NOT_FIT, FITS, OUR_BUG, UNDECIDED, OurBug
from nir_io.errors import BadInput

if TYPE_CHECKING:
    from mapper.report.page import Page
    from mapper.verbs.query.answer import Answer
    from mapper.verbs.report import Report

TEACH = """\
nirmap maps NIR spiking networks onto neuromorphic chips, or says why they do not fit.

  nirmap inspect model.nir                                    what is in the file?
  nirmap check model.nir --device speck2f                     does it fit; if not, what would help?
  nirmap map model.nir --device loihi2 -o out/                make the bundle for the chip
  nirmap compare model.nir --device loihi2 --input data.npz   what is lost on data?
  nirmap fit models/ --device all                             which chip suits which model?
  nirmap devices                                              the chips; with a name, its limits

A NIR file does not say by which rule its network is stepped: add --semantics with the framework
that it comes from, such as snntorch or sinabs. --report page.html draws the answer of check.
`nirmap --help` lists all commands, `nirmap check --help` the options of one.
"""
PREFIX = "nirmap: "


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given:
        sys.stdout.write(TEACH)
        return BAD_INPUT
    args = parser().parse_args(given)
    try:
        with warnings.catch_warnings():
            if not args.debug:  # numpy's are for developers, and name files of ours
                warnings.simplefilter("ignore")
            return COMMANDS[args.command](args)
    except (BadInput, ProfileError) as error:
        return _failed(args, "bad-input", BAD_INPUT, error.findings)
    except OurBug as error:
        return _failed(args, "our-bug", OUR_BUG, _of_our_bug(error))
    except KeyboardInterrupt:
        sys.stderr.write(f"{PREFIX}interrupted\n")
        return 130
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:
        if args.debug:
            raise
        return _failed(args, "our-bug", OUR_BUG, _of_surprise(error))


def _map(args: argparse.Namespace) -> int:
    from pathlib import Path

    from mapper import api

    output = args.output or f"{Path(args.model).stem}-{Path(args.device).stem}"
    result = api.map(
        args.model,
        args.device,
        output=output,
        calibrate=args.calibrate,
        evaluations=args.evaluations,
        **asking_of(args),
    )
    return _tell(args, result)


def _check(args: argparse.Namespace) -> int:
    from mapper import api
    from mapper.cli.queries import asks, query

    if asks(args):
        for option in ("report", "certificate"):
            if getattr(args, option) is not None:
                raise BadInput([f"option --{option}: a query has no {option}; leave it out"])
        return _answered(args, query(args))
    result = api.check(
        args.model,
        args.device,
        calibrate=args.calibrate,
        evaluations=args.evaluations,
        **asking_of(args),
    )
    return _tell(args, result)


def _tell(args: argparse.Namespace, result: Report) -> int:
    from mapper.report.words import result_page

    facts = result.facts
    if args.report is not None:
        _write("report", args.report, result.html.encode())
    if args.certificate is not None:
        _certify(args.certificate, result)
    _print(args, facts, lambda: result_page(facts))
    return result.exit_code


def _answered(args: argparse.Namespace, answer: Answer[object]) -> int:
    from mapper.verbs.query.words import query_page

    _print(args, answer.facts, lambda: query_page(answer.facts))
    return answer.exit_code


def _certify(path: str, result: Report) -> None:
    """Write the certificate of a refusal; say so where there is none."""
    found = result.certificate
    if found is None:
        word = "fits" if result.fits else "is undecided"
        sys.stderr.write(f"{PREFIX}it {word}: there is no refusal to certify, so no {path}\n")
        return
    from mapper.bundle.certificate import as_bytes

    _write("certificate", path, as_bytes(found))


def _write(option: str, path: str, data: bytes) -> None:
    from pathlib import Path

    try:
        Path(path).write_bytes(data)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise BadInput([f"option --{option}: {path}: cannot be written: {told}"]) from error


def _fit(args: argparse.Namespace) -> int:
    from mapper.cli.fit import fit
    from mapper.verbs.batch.words import fit_page

    fitted, code = fit(args)
    _print(args, fitted.facts, lambda: fit_page(fitted.facts, fitted.folder))
    return code


def _compare(args: argparse.Namespace) -> int:
    from mapper.cli.compare import compare
    from mapper.verbs.compare.words import compare_page

    found = compare(args)
    facts = found.facts
    if args.report is not None:
        _write("report", args.report, found.html.encode())
    _print(args, facts, lambda: compare_page(facts))
    return FITS


def _inspect(args: argparse.Namespace) -> int:
    from mapper import api
    from mapper.report.tables import inspect_page

    facts = api.inspect(
        args.model,
        **reading_of(args),
    )
    _print(args, facts, lambda: inspect_page(facts))
    return FITS


def _devices(args: argparse.Namespace) -> int:
    from device_profiles.load import load, names
    from mapper import api
    from mapper.report import tables

    if args.training:
        if args.name is None:
            raise BadInput(["option --training: name a device, as `nirmap devices` lists them"])
        return _answered(args, api.training(args.name))
    if args.name is None:
        profiles = tuple(load(name) for name in names())
        _print(args, tables.devices_facts(profiles), lambda: tables.devices_page(profiles))
        return FITS
    profile = load(args.name)
    _print(args, tables.devices_facts([profile])[0], lambda: tables.device_page(profile))
    return FITS


def _rules(args: argparse.Namespace) -> int:
    from mapper import api
    from mapper.report import tables

    found = api.rules(args.name)
    facts = tables.rules_facts(found)
    if args.name is not None and not args.json:
        sys.stdout.write(f"{args.name}\n\n{facts[0]['text']}\n")
        return FITS
    _print(args, facts, lambda: tables.rules_page(found))
    return FITS


def _verify(args: argparse.Namespace) -> int:
    from mapper import api
    from mapper.report.tables import verify_facts, verify_page
    from mapper.verify import Checked

    checked = api.verify(args.bundle, args.model, profile=args.profile, resolve=args.resolve)
    if isinstance(checked, Checked):
        facts = verify_facts(checked, args.bundle)
        _print(args, facts, lambda: verify_page(facts))
        return FITS if checked.ok else DOES_NOT_FIT
    from mapper.report.proof_words import proof_facts, proof_page

    facts = proof_facts(checked, args.bundle)
    _print(args, facts, lambda: proof_page(facts))
    if checked.refused:
        return FITS
    return UNDECIDED if checked.ok else DOES_NOT_FIT


def _diff(args: argparse.Namespace) -> int:
    from mapper import api

    return _answered(args, api.diff(args.first, args.second))


def _support(args: argparse.Namespace) -> int:
    from mapper import api

    return _answered(args, api.support(args.devices))


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "map": _map,
    "check": _check,
    "fit": _fit,
    "compare": _compare,
    "inspect": _inspect,
    "devices": _devices,
    "rules": _rules,
    "verify": _verify,
    "diff": _diff,
    "support": _support,
}


def _print(args: argparse.Namespace, facts: object, page: Callable[[], Page]) -> None:
    """The same facts as JSON or as a page."""
    if args.json:
        from mapper.bundle.json import dumps

        sys.stdout.write(dumps(facts))
    else:
        from mapper.report.page import show

        show(page())
    sys.stdout.flush()


def _failed(args: argparse.Namespace, outcome: str, code: int, findings: Sequence[str]) -> int:
    """Findings one a line on stderr; with --json also as a document on stdout."""
    from mapper.report.page import safe

    for finding in findings:
        line = safe(finding).replace("\n", " ")
        sys.stderr.write(f"{PREFIX}{line}\n")
    if args.json:
        from mapper.bundle.json import dumps

        sys.stdout.write(dumps({"outcome": outcome, "exit": code, "findings": list(findings)}))
    return code


def _of_our_bug(error: OurBug) -> list[str]:
    kept = (
        ""
        if error.kept is None
        else f"; the bundle and the checker's report are kept in {error.kept}"
    )
    return [
        f"this is a bug of nirmap, not of your network: its own checker rejects the result{kept}",
        *error.findings,
    ]


def _of_surprise(error: Exception) -> list[str]:
    told = f"{type(error).__name__}: {error}"
    return [
        f"this is a bug of nirmap: {told[:300]}",
        "run again with --debug for the traceback, and please report it with the model",
    ]


def _pipe_closed() -> int:
    """The reader of our output went away, as `head` does: no error of anybody's."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FITS


if __name__ == "__main__":
    sys.exit(main())
