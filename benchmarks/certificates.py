"""Certificates of refusals: how many are proven, checked how fast.

    python benchmarks/certificates.py [CORPUS] [--largest MB] [--refused N --seed S]

With --refused: N instances of benchmarks/refused_networks.py. Else every file of the corpus against every device; each refusal gets a certificate, which is written
as JSON, read back and checked by `mapper.verify` alone. Processor time, after a first check.
`certified` is the same for one outcome.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_profiles.load import names
from mapper import api
from mapper.bundle.certificate import as_bytes, certificate
from mapper.solving.outcome import Impossible
from mapper.verbs.answer import answer
from mapper.verify.certificate import Proven, check_certificate
from nir_io.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "benchmarks" / "corpus_models.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A refusal's certificate, the checker's verdict, and what both took (processor seconds)."""

    certificate: Mapping[str, Any]
    verdict: Proven
    size: int
    making: float
    checking: float

    @property
    def proven(self) -> bool:
        """Whether the refusal is proven: no finding, and a proof of one conflict at least."""
        return self.verdict.proven

    @property
    def wholly(self) -> bool:
        """Whether each of its conflicts is proven."""
        return self.proven and all(c.proven for c in self.verdict.conflicts)


def certified(outcome: Impossible, profile: Path | None = None) -> Certified:
    """The certificate of a refusal, checked from its bytes."""
    start = time.process_time()
    made = certificate(outcome, sha256=None)
    data = as_bytes(made)
    middle = time.process_time()
    verdict = check_certificate(json.loads(data), profile=profile)
    end = time.process_time()
    return Certified(
        certificate=made,
        verdict=verdict,
        size=len(data),
        making=middle - start,
        checking=end - middle,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--largest", type=float, default=8.0, help="MB of a file (default 8)")
    parser.add_argument("--refused", type=int, help="instances of refused_networks.py instead")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.refused:
        _instances(options.corpus, options.refused, options.seed)
        return
    files = [
        path
        for folder in ("exported", "trained", "paper")
        for path in sorted((options.corpus / folder).rglob("*.nir"))
        if path.stat().st_size <= options.largest * 1e6
    ]
    found: list[Certified] = []
    kinds: Counter[str] = Counter()
    for path in files:
        for device in names():
            one = _refused(path, device)
            if one is None:
                continue
            found.append(one)
            kinds.update(c["limits"][0]["kind"] for c in one.certificate["conflicts"])
            if not one.wholly:
                print(f"{path.name} on {device}: {one.verdict.conflicts} {one.verdict.findings}")
    _report(found, kinds)


def _instances(corpus: Path, count: int, seed: int) -> None:
    from refused_networks import instances

    found: list[Certified] = []
    kinds: Counter[str] = Counter()
    for instance in instances(corpus, count, seed):
        one = certified(instance.outcome)
        found.append(one)
        kinds.update(c["limits"][0]["kind"] for c in one.certificate["conflicts"])
        if not one.wholly:
            told = [c.status for c in one.verdict.conflicts]
            print(f"{instance.id} on {instance.device}: {told} {one.verdict.findings}", flush=True)
    _report(found, kinds)


def _refused(path: Path, device: str) -> Certified | None:
    try:
        asked = api.ask(path, device, models=SIDECAR, repair=True)
        outcome = answer(asked, whole=False, brief=True).outcome
    except BadInput:
        return None
    return certified(outcome) if isinstance(outcome, Impossible) else None


def _report(found: Sequence[Certified], kinds: Counter[str]) -> None:
    conflicts = [c for one in found for c in one.verdict.conflicts]
    print(f"{len(found)} refusals with {len(conflicts)} conflicts; first limits: {dict(kinds)}")
    if not found:
        return
    share = 100 * sum(one.proven for one in found) / len(found)
    print(f"proven: {sum(one.proven for one in found)} refusals ({share:.1f} %)")
    print(f"        {sum(c.proven for c in conflicts)} conflicts")
    bare = sum(c.proven and not c.stated for c in conflicts)
    print(f"        {bare} of them by the profile, the settings and sizes alone")
    for what, unit, values in (
        ("making", "ms", [1e3 * one.making for one in found]),
        ("checking", "ms", [1e3 * one.checking for one in found]),
        ("size", "KB", [one.size / 1e3 for one in found]),
    ):
        p50, p95, p100 = (_quantile(values, q) for q in (0.5, 0.95, 1.0))
        print(f"{what}: p50 {p50:.2f} {unit}, p95 {p95:.2f} {unit}, most {p100:.2f} {unit}")
    slow = sum(one.checking > 0.010 for one in found)
    print(f"checked in more than 10 ms: {slow}")


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
