"""From a question to a result, and from a result to a folder: the line that all verbs share.

Asked -> decide -> quantize -> build -> examine -> Result -> write -> verify -> rename
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.bundle.write import is_ours, publish, write_files
from mapper.errors import OurBug
from mapper.problem.asked import Asked
from mapper.solving.outcome import Impossible
from mapper.verbs.answer import sentences
from mapper.verbs.report import Report
from mapper.verify import Checked, verify

if TYPE_CHECKING:
    pass

REJECTED = "verify.json"  # the checker's findings, in the folder of a bundle that it rejected


def deliver(asked: Asked, result: Report, output: Path) -> Report:
    """The result with its bundle in the folder `output`: whole, checked, or not at all.

    A refusal is kept beside it, in `output`.refused: certificate and reports, whole as well.
    The next bundle in `output` removes that folder. Raises BadInput where a folder cannot be
    written, and OurBug where the checker rejects what was written.
    """
    refused = output.with_name(f"{output.resolve().name}.refused")
    if isinstance(result.outcome, Impossible):
        publish(write_files(_refusal(result), refused, "refusal"), refused)
        return replace(result, path=refused)
    if result.bundle is None:
        return result
    draft = write_files(result.bundle.all_files(), output)
    try:
        checked = verify(draft, fingerprint=result.graph.fingerprint, profile=asked.profile_path)
        if not checked.ok:
            raise OurBug(sentences(checked), _kept(draft, output, checked))
        publish(draft, output)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if is_ours(refused, "refusal"):
        shutil.rmtree(refused, ignore_errors=True)  # it speaks of an earlier network, or options
    return replace(result, checked=checked, path=output)


def _refusal(result: Report) -> dict[str, bytes]:
    """The files of a refusal."""
    from mapper.bundle.certificate import NAME, as_bytes

    certificate = result.certificate
    assert certificate is not None, "a refusal has a certificate"
    return {
        NAME: as_bytes(certificate),
        "report.txt": result.text.encode(),
        "report.html": result.html.encode(),
    }


def _kept(draft: Path, output: Path, checked: Checked) -> Path | None:
    """The rejected bundle beside where it should have gone, with the checker's findings."""
    kept = output.resolve().with_name(f"{output.name}.rejected")
    rows = [{"fault": finding.fault, "says": finding.says} for finding in checked.findings]
    (draft / REJECTED).write_text(json.dumps(rows, indent=1) + "\n")
    try:
        shutil.rmtree(kept, ignore_errors=True)
        draft.replace(kept)
    except OSError:
        return None
    return kept
