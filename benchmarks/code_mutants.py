"""Mutants of the code itself: each is a fault that its own test folder has to notice.

    python benchmarks/code_mutants.py [--only FOLDER] [--name WORDS]... [--list]

The tree is copied to a temporary folder; there, one mutant at a time, a text of a file is
replaced, and the test folder that answers for it runs. A mutant is killed where a test fails,
and survives where all pass. Each folder must pass without a mutant first. Exit code 1: some
mutant survived, or does not fit the code any more (its text must stand in its file just once),
or keeps the tests from running at all, which shows nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".*", "__pycache__", "out", "build", "dist", "*.egg-info")
LONGEST = 600  # seconds; a mutant that hangs its tests for so long is noticed
PASSED, FAILED = 0, 1  # exit codes of pytest; others: the tests did not run


@dataclass(frozen=True, slots=True)
class Mutant:
    """`find` is replaced by `put` in `file`; `tests` has to fail. `why`: what it would do."""

    name: str
    file: str
    find: str
    put: str
    tests: str
    why: str


QUANTIZE, VERIFY, BOUNDARY = "tests/quantize", "tests/verify", "tests/boundary"

MUTANTS = (
    # quantizers: what all share
    Mutant(
        "the first membrane ignores the lag",
        "mapper/bundle/integers/units.py",
        "    kept = u.mem_decay**lag\n",
        "    lag = 0\n    kept = u.mem_decay**lag\n",
        QUANTIZE,
        "biases act before late input arrives: neurons start off their rest",
    ),
    Mutant(
        "outliers are never clipped",
        "mapper/bundle/integers/draft.py",
        "    return best[1]\n",
        "    return shares[0]\n",
        QUANTIZE,
        "one outlier costs every other weight its resolution",
    ),
    Mutant(
        "the leak is not shifted by v_reset",
        "mapper/bundle/integers/units.py",
        "    leak = d.leak - (1.0 - d.mem_decay) * d.v_reset if shifted else d.leak\n",
        "    leak = d.leak\n",
        QUANTIZE,
        "membranes decay to v_reset instead of v_leak",
    ),
    Mutant(
        "outliers count in full",
        "mapper/bundle/integers/draft.py",
        "    felt = np.minimum(magnitudes, ENOUGH)\n",
        "    felt = magnitudes\n",
        QUANTIZE,
        "a weight of 100 thresholds is kept at the price of all others",
    ),
    # Loihi 2
    Mutant(
        "the area gain is always 1",
        "mapper/families/loihi2/quantize.py",
        "    return ratio\n",
        "    return np.ones_like(ratio)\n",
        QUANTIZE,
        "a decay that is rounded by a third changes every input by a third",
    ),
    Mutant(
        "weights are floored",
        "mapper/families/loihi2/quantize.py",
        "step * np.rint(raw / step)",
        "step * np.floor(raw / step)",
        QUANTIZE,
        "each weight is one unit too low on average, as with Lava's own rounding",
    ),
    Mutant(
        "a soft reset leaves its bias out",
        "mapper/families/loihi2/quantize.py",
        "_bias((constant - half) * unit_size, unit_size, profile)",
        "_bias((constant - 0.0 * half) * unit_size, unit_size, profile)",
        QUANTIZE,
        "ATRLIF decays to half a threshold instead of 0",
    ),
    Mutant(
        "no room is left for currents",
        "mapper/families/loihi2/quantize.py",
        "    room = limit / 2**shift / max(worst, 1e-9)\n",
        "    room = 2.0 * limit / 2**shift / max(worst, 1e-9)\n",
        QUANTIZE,
        "24-bit currents wrap",
    ),
    Mutant(
        "one exponent for all projections",
        "mapper/families/loihi2/quantize.py",
        "        high = tops.get(key, 0.0) * mantissa\n",
        "        high = top * mantissa\n",
        QUANTIZE,
        "small weights beside large ones lose their bits",
    ),
    # Xylo
    Mutant(
        "the current's decay before use is left out",
        "mapper/families/xylo/quantize.py",
        "    return 1.0 - 2.0 ** -part.dash_syn.astype(np.float64)\n",
        "    return np.ones(part.dash_syn.shape)\n",
        QUANTIZE,
        "an input kicks half as much at dash_syn = 1",
    ),
    Mutant(
        "the threshold of '>' is that of '>='",
        "mapper/families/xylo/quantize.py",
        'more=int(placed.question.semantics.comparison == ">"),',
        "more=0,",
        QUANTIZE,
        "a membrane at the threshold fires",
    ),
    Mutant(
        "the fine channel of a bias is that of one event",
        "mapper/families/xylo/quantize.py",
        "np.rint(raw - count * coarse)",
        "np.rint(raw - coarse)",
        QUANTIZE,
        "biases by channels are off by the coarse weight, or clipped",
    ),
    Mutant(
        "the second synapse repeats the first",
        "mapper/families/xylo/quantize.py",
        "    second = total - first\n",
        "    second = first\n",
        QUANTIZE,
        "odd weights lose a unit",
    ),
    Mutant(
        "a large bias keeps the threshold's units",
        "mapper/families/xylo/quantize.py",
        "np.minimum(room, ceiling)",
        "ceiling",
        QUANTIZE,
        "biases of more than 8 bits are clipped where a coarser threshold holds them",
    ),
    # Speck
    Mutant(
        "Speck's threshold of '>' is that of '>='",
        "mapper/families/speck/quantize.py",
        '    threshold = int(np.rint(scale)) + (semantics.comparison == ">")\n',
        "    threshold = int(np.rint(scale))\n",
        QUANTIZE,
        "a membrane at the threshold fires",
    ),
    Mutant(
        "biases wrap",
        "mapper/families/speck/quantize.py",
        "np.clip(np.rint(wanted), *ends.bias)",
        "np.rint(wanted)",
        QUANTIZE,
        "a bias beyond 16 bits changes its sign",
    ),
    Mutant(
        "the lower bound is not shifted by v_reset",
        "mapper/families/speck/quantize.py",
        "np.ravel(d.threshold / height) + u.v_init",
        "np.ravel(d.threshold / height)",
        QUANTIZE,
        "membranes stop at another value than the network's",
    ),
    Mutant(
        "the gain dial turns the scale only",
        "mapper/families/speck/quantize.py",
        "np.clip(np.rint(wanted), low, high)",
        "np.clip(np.rint(conv.weight * scale), low, high)",
        QUANTIZE,
        "a calibrated gain does the opposite",
    ),
    # SpiNNaker2
    Mutant(
        "SpiNNaker2's threshold of '>' is that of '>='",
        "mapper/families/spinnaker2/quantize.py",
        "np.nextafter(threshold, np.float32(np.inf))",
        "np.nextafter(threshold, threshold)",
        QUANTIZE,
        "a membrane at the threshold fires",
    ),
    Mutant(
        "weights are truncated",
        "mapper/families/spinnaker2/quantize.py",
        "np.clip(np.rint(scaled), -most, most)",
        "np.clip(np.trunc(scaled), -most, most)",
        QUANTIZE,
        "weights shrink by half a unit, as with the vendor's converter",
    ),
    Mutant(
        "the source's rounding is not made up for",
        "mapper/families/spinnaker2/quantize.py",
        'u.constant(floats[(f"bias:{name}", "weight")][:, 0] if source else 0.0)',
        "u.constant(u.bias if source else 0.0)",
        QUANTIZE,
        "a bias is off by up to half a unit of a weight, every step",
    ),
    Mutant(
        "delays keep 7 bits",
        "mapper/families/spinnaker2/quantize.py",
        '"weight_magnitude_delay" if delayed else "weight_magnitude"',
        '"weight_magnitude"',
        QUANTIZE,
        "weights do not fit the 4 bits of the models with delays",
    ),
    # claims, and what backends count for them
    Mutant(
        "a full core is too full",
        "mapper/solving/claims/common.py",
        "                if need > number.value:\n",
        "                if need >= number.value:\n",
        BOUNDARY,
        "networks that fit to the last unit are refused",
    ),
    Mutant(
        "the input takes no cores",
        "mapper/solving/claims/common.py",
        "high=int(number.value) - extra)",
        "high=int(number.value))",
        BOUNDARY,
        "networks are placed on PEs that play the input",
    ),
    Mutant(
        "a delay more than the field holds",
        "mapper/families/manycore/claims.py",
        "most=int(number.value))",
        "most=int(number.value) + 1)",
        BOUNDARY,
        "a delay overflows on the chip",
    ),
    Mutant(
        "a slow clock twice as fast",
        "mapper/families/speck/claims.py",
        "hertz <= high.value * (1 + 1e-9)",
        "hertz <= 2.0 * high.value",
        BOUNDARY,
        "biases act less often than once a step",
    ),
    Mutant(
        "destinations are not counted by copies",
        "mapper/families/speck/claims.py",
        "(-int(number.value) * plan.copies, Choose(population.name, plan.id))",
        "(-int(number.value), Choose(population.name, plan.id))",
        BOUNDARY,
        "copies of a core are made and of no use",
    ),
    Mutant(
        "the graph's own channels are forgotten",
        "mapper/families/xylo/claims.py",
        "Bound(tuple(terms), high=int(number.value) - channels)",
        "Bound(tuple(terms), high=int(number.value))",
        BOUNDARY,
        "bias channels beyond the sixteenth",
    ),
    Mutant(
        "the output window is a neuron wider",
        "mapper/families/xylo/claims.py",
        "bounds=(Bound(tuple(ends.drive), high=int(wide_out.value)), *ends.links),",
        "bounds=(Bound(tuple(ends.drive), high=int(wide_out.value) + 1), *ends.links),",
        BOUNDARY,
        "a neuron that drives an output is out of its reach",
    ),
    Mutant(
        "axons have no header",
        "mapper/families/loihi2/units.py",
        "(targets * bits + self.header_bits)",
        "(targets * bits)",
        BOUNDARY,
        "synapse memory is counted too small",
    ),
    Mutant(
        "rows are not padded to words",
        "mapper/families/spinnaker2/backend.py",
        "self.header + -(-k * self.synapse // self.row_align) * self.row_align",
        "self.header + k * self.synapse",
        BOUNDARY,
        "SRAM is counted too small",
    ),
    # the checker of bundles
    Mutant(
        "overflow only at twice the limit",
        "mapper/verify/loihi2.py",
        "    if most >= limit:\n",
        "    if most >= 2 * limit:\n",
        VERIFY,
        "a current that wraps is accepted",
    ),
    Mutant(
        "overflow only beyond the limit",
        "mapper/verify/loihi2.py",
        "    if most >= limit:\n",
        "    if most > limit:\n",
        VERIFY,
        "2^23 itself wraps",
    ),
    Mutant(
        "overflow forgets the decay",
        "mapper/verify/loihi2.py",
        "float(np.max(total / share, initial=0.0))",
        "float(np.max(total, initial=0.0))",
        VERIFY,
        "a current builds up over steps",
    ),
    Mutant(
        "two slices on a core",
        "mapper/verify/placement.py",
        '        if len(names) > 1 and not device.switch("share_cores"):\n',
        '        if len(names) > 2 and not device.switch("share_cores"):\n',
        VERIFY,
        "a core is given twice",
    ),
    Mutant(
        "paths that are too short",
        "mapper/verify/timing.py",
        "        if chip != ideal:\n",
        "        if chip > ideal:\n",
        VERIFY,
        "spikes arrive too early",
    ),
    Mutant(
        "the output window begins a neuron late",
        "mapper/verify/xylo.py",
        "sum(i < total - wide_out for i in driving)",
        "sum(i < total - wide_out - 1 for i in driving)",
        VERIFY,
        "a neuron that drives an output is out of its reach",
    ),
    Mutant(
        "rows of an odd number of synapses",
        "mapper/verify/spinnaker2.py",
        '        synapses = -(-k * d.limit("synapse_bytes") // pad) * pad\n',
        '        synapses = k * d.limit("synapse_bytes") // pad * pad\n',
        VERIFY,
        "SRAM is counted too small",
    ),
    # the checker of certificates
    Mutant(
        "equality proves",
        "mapper/verify/sums.py",
        "    if least > limit:\n",
        "    if least >= limit:\n",
        VERIFY,
        "a sum that can just hold counts as impossible",
    ),
    Mutant(
        "a proof with findings is a proof",
        "mapper/verify/certificate.py",
        "proven=proof is not None and len(book.findings) == before,",
        "proven=proof is not None,",
        VERIFY,
        "a conflict is called proven though its rows do not follow",
    ),
    Mutant(
        "decisions may lack half their room",
        "mapper/verify/certificate.py",
        "        if counts and made.most < room:\n",
        "        if counts and 2 * made.most < room:\n",
        VERIFY,
        "a proof about a smaller question is accepted",
    ),
    Mutant(
        "a demand that just fits is too much",
        "mapper/verify/grounds.py",
        "        if not line.over[1] > have:\n",
        "        if not line.over[1] >= have:\n",
        VERIFY,
        "a refusal at the limit itself is accepted",
    ),
    Mutant(
        "a total may be one short",
        "mapper/verify/grounds.py",
        "        if line.high < have:\n",
        "        if line.high < have - 1:\n",
        VERIFY,
        "a refusal for the lack of a core that is there is accepted",
    ),
    # certificates
    Mutant(
        "a sum that can just hold is a proof",
        "mapper/solving/solve/proof.py",
        "for d, c in total.items()) > limit",
        "for d, c in total.items()) >= limit",
        VERIFY,
        "proofs are written that do not add up",
    ),
    Mutant(
        "a split loses a value",
        "mapper/solving/solve/proof.py",
        "open_.append((above, {**box, decision: (value + 1, last)}))",
        "open_.append((above, {**box, decision: (value + 2, last)}))",
        VERIFY,
        "a case is left out of a proof",
    ),
    Mutant(
        "a lean sum is not tried",
        "mapper/solving/solve/proof.py",
        "            if impossible(rows, some, box):\n",
        "            if some:\n",
        VERIFY,
        "rows that a proof needs are dropped",
    ),
    Mutant(
        "what was asked is cut as well",
        "mapper/bundle/certificate.py",
        "        if i < limits and row.low is None\n",
        "        if row.low is None\n",
        VERIFY,
        "rows of the question say less than the question did",
    ),
    Mutant(
        "terms that make room are cut",
        "mapper/bundle/certificate.py",
        "if c < 0 or seen[d] > 1)",
        "if seen[d] > 1)",
        VERIFY,
        "a limit says more than it does",
    ),
    Mutant(
        "a rewrite without a bound has one of 0",
        "mapper/bundle/certificate.py",
        "p.keeps.bound if isinstance(p.keeps, Within) else None",
        "p.keeps.bound if isinstance(p.keeps, Within) else 0.0",
        VERIFY,
        "a certificate of a rewrite that needs leave cannot be checked",
    ),
)


def misfits(mutants: Sequence[Mutant], root: Path) -> list[str]:
    """Mutants whose text does not stand in its file just once."""
    found: list[str] = []
    for mutant in mutants:
        file = root / mutant.file
        count = file.read_text().count(mutant.find) if file.is_file() else 0
        if count != 1:
            found.append(
                f"'{mutant.name}': its text stands {count} times in {mutant.file}, not once"
            )
        elif mutant.find == mutant.put:
            found.append(f"'{mutant.name}': it changes nothing")
    return found


def tested(folder: str, tree: Path) -> int:
    """The exit code of a test folder's tests in a tree; FAILED where they take too long."""
    env = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    told = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", folder]
    try:
        return subprocess.run(
            told, cwd=tree, env=env, capture_output=True, timeout=LONGEST, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return FAILED


def killed(mutant: Mutant, tree: Path) -> int:
    """The exit code of its tests with the mutant in the tree, which is as before then."""
    file = tree / mutant.file
    text = file.read_text()
    file.write_text(text.replace(mutant.find, mutant.put))
    try:
        return tested(mutant.tests, tree)
    finally:
        file.write_text(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: all were killed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", metavar="FOLDER", help="mutants of this test folder")
    parser.add_argument(
        "--name",
        metavar="WORDS",
        action="append",
        help="mutants whose name or file has these words",
    )
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    given = parser.parse_args(arguments)
    chosen = [
        m
        for m in MUTANTS
        if (given.only is None or m.tests == given.only.rstrip("/"))
        and (given.name is None or any(words in f"{m.file}: {m.name}" for words in given.name))
    ]
    wrong = misfits(chosen, ROOT)
    for sentence in wrong or ([] if chosen else ["no mutant is of that folder or name"]):
        print(sentence, file=sys.stderr)
    if wrong or not chosen:
        return 1
    if given.list:
        for mutant in chosen:
            print(f"{mutant.tests}  {mutant.file}: {mutant.name} ({mutant.why})")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        tree = Path(place) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for folder in dict.fromkeys(m.tests for m in chosen):
            if tested(folder, tree) != PASSED:
                print(f"{folder} does not pass without a mutant", file=sys.stderr)
                return 1
        bad = 0
        for mutant in chosen:
            start = time.monotonic()
            code = killed(mutant, tree)
            word = {PASSED: "SURVIVED", FAILED: "killed"}.get(code, "BROKEN: no test ran")
            bad += code != FAILED
            seconds = time.monotonic() - start
            print(
                f"{word:8}  {seconds:5.1f} s  {mutant.tests}  {mutant.file}: {mutant.name}",
                flush=True,
            )
    print(f"{len(chosen) - bad} of {len(chosen)} mutants are killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
