"""Whether a change of layout changed no byte of what the mapper answers.

    python benchmarks/same_bundles.py make FOLDER [--pairs 150] [--seed 0] [--jobs 2] [--corpus DIR]
    python benchmarks/same_bundles.py compare BEFORE AFTER [--ignore KEY ...] [--any-schema-version]

`make` runs the mapper of the tree that this script lies in and writes to FOLDER:

    rows.jsonl    a line per pair, sorted; the same bytes for the same program
    files/        JSON, text, HTML and Python of the bundles and refusals, by their SHA-256
    times.json    seconds per pair and processor time; never compared

Three sets of pairs (network, device). `map`: each network of examples/ on each device, and
seeded pairs of the corpus (paper, exported, trained; benchmarks/corpus_models.toml, defects
of exporters mended), each mapped to a folder, refusals with certificate and fixes.
`verdict`: all pairs of the corpus as `fit` without changes sees them. An exception is a row
with its class and message; so is a pair that ran out of time. Networks and outputs have
relative paths in a folder of their own, so that no answer holds a path of the machine.

`compare` exits with 1 if any pair differs, or none could be compared. Keys that name the program and not its answer
(VERSIONED) are counted apart.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

FOLDERS = ("paper", "exported", "trained")
SIDECAR = "corpus_models.toml"
DIGITS = {"semantics": "snntorch"}  # of examples/digits/digits.nir, as docs/tutorial.md has it
KEPT = {".json", ".txt", ".html", ".py"}  # files whose text is kept, to say what differs
VERSIONED = ("key", "versions")  # `key` of a row of `fit` hashes the program's own source
STOPPED = ("timeout", "died", "limit-hit")  # such a row says nothing about the answer

SCHEMA = re.compile(r"(nirmap-[a-z-]+-)\d+")

Row = dict[str, Any]


class Pair(NamedTuple):
    """A network to map onto a device. model, models: paths in a workplace; options: of `map`."""

    model: str
    device: str
    models: str | None
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the row is known by."""
        return f"map {self.model} on {self.device}"


def main() -> int:
    """Exit code: 1 where a pair differs, 2 where there is nothing to make or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make", help="record what the mapper answers now")
    making.add_argument("folder", type=Path, metavar="FOLDER")
    making.add_argument("--pairs", type=int, default=150, help="of the corpus, mapped in full")
    making.add_argument("--seed", type=int, default=0, help="which pairs these are")
    making.add_argument("--jobs", type=int, default=2, help="processes")
    making.add_argument("--corpus", type=Path, metavar="DIR", help="default: as tests/corpus.py")
    making.add_argument("--limit", type=float, default=300.0, help="seconds per pair")
    making.add_argument("--only", default="", metavar="WORD", help="networks with WORD in the path")
    comparing = verbs.add_parser("compare", help="say what differs between two records")
    comparing.add_argument("before", type=Path, metavar="BEFORE")
    comparing.add_argument("after", type=Path, metavar="AFTER")
    comparing.add_argument(
        "--ignore",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY",
        help="keys of JSON, at any depth, or names of files, that may differ",
    )
    comparing.add_argument(
        "--any-schema-version",
        action="store_true",
        help="names of schemas (nirmap-bundle-1), in JSON and in text, may differ in their number",
    )
    args = parser.parse_args()
    if args.verb == "compare":
        allowed = Allowed(frozenset((*VERSIONED, *args.ignore)), args.any_schema_version)
        return compare(args.before, args.after, allowed)
    return make(args)


# --- make ---


def make(args: argparse.Namespace) -> int:
    """Write the record of this tree; 2 where there is no pair."""
    from mapper import api
    from tests.corpus import CORPUS

    began = time.monotonic()
    corpus = (args.corpus or CORPUS).resolve()
    folder = args.folder.resolve()
    if (folder / "rows.jsonl").exists():
        print(f"{args.folder}: holds a record already; name another folder", file=sys.stderr)
        return 2
    (folder / "files").mkdir(parents=True, exist_ok=True)
    print(f"mapper: {Path(api.__file__).parent}", flush=True)
    if not corpus.is_dir():
        print(f"{corpus}: no corpus here, only the examples are asked", file=sys.stderr)
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        furnish(place, corpus)
        os.chdir(place)
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        devices = [profile.name for profile in api.devices()]
        files = [file for file in corpus_files(place) if args.only in file]
        pairs = [pair for pair in examples(devices) if args.only in pair.model]
        pairs += drawn(files, devices, args.pairs, args.seed)
        rows = list(mapped(pairs, args, corpus, folder / "files", times))
        if files:
            rows += verdicts(api, files, args, times)
        os.chdir(ROOT)  # the workplace is about to be removed
    if not rows:
        print(f"--only {args.only}: no network has this in its path", file=sys.stderr)
        return 2
    rows.sort(key=lambda row: row["pair"])
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own, workers = (resource.getrusage(who) for who in (0, resource.RUSAGE_CHILDREN))
    processor = own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime
    wall = time.monotonic() - began
    spent = {"wall": wall, "processor": processor, "pairs": dict(sorted(times.items()))}
    (folder / "times.json").write_text(json.dumps(spent, indent=1) + "\n")
    for (asked, outcome), n in sorted(Counter((r["asked"], r["outcome"]) for r in rows).items()):
        print(f"{asked:8} {outcome:14} {n}")
    print(f"{len(rows)} rows in {wall:.0f} s, {processor:.0f} s of processor time")
    for pair, seconds in sorted(times.items(), key=lambda item: -item[1])[:5]:
        print(f"slow: {seconds:.1f} s  {pair}")
    return 0


def furnish(place: Path, corpus: Path) -> None:
    """A workplace: the examples as files, the corpus and its sidecar beneath fixed names."""
    from make_models import write_models

    write_models(place / "examples")
    shutil.copy(ROOT / "examples" / "digits" / "digits.nir", place / "examples")
    shutil.copy(ROOT / "benchmarks" / SIDECAR, place)
    if corpus.is_dir():
        (place / "corpus").symlink_to(corpus, target_is_directory=True)


def corpus_files(place: Path) -> list[str]:
    """Paths of the corpus' networks, relative to the workplace."""
    found = (path for name in FOLDERS for path in (place / "corpus" / name).rglob("*.nir"))
    return sorted(path.relative_to(place).as_posix() for path in found)


def examples(devices: Sequence[str]) -> list[Pair]:
    """Every network of examples/ on every device."""
    from networks import NETWORKS

    made = [(f"examples/{name}.nir", "examples/models.toml", {}) for name in NETWORKS]
    made.append(("examples/digits.nir", None, DIGITS))
    return [
        Pair(model, device, models, options)
        for model, models, options in made
        for device in devices
    ]


def drawn(files: Sequence[str], devices: Sequence[str], most: int, seed: int) -> list[Pair]:
    """Seeded pairs of the corpus."""
    every = [Pair(file, device, SIDECAR, {"repair": True}) for file in files for device in devices]
    return random.Random(seed).sample(every, min(most, len(every)))


@dataclass(slots=True)
class Worker:
    """A process with a workplace of its own; `pair` is what it works on, or None."""

    process: multiprocessing.process.BaseProcess
    line: Connection
    place: tempfile.TemporaryDirectory[str]
    pair: Pair | None = None
    began: float = 0.0

    def end(self) -> None:
        """Kill the process, whatever it does, and remove its workplace."""
        self.process.kill()
        self.process.join()
        self.line.close()
        self.place.cleanup()


def mapped(
    pairs: Sequence[Pair],
    args: argparse.Namespace,
    corpus: Path,
    files: Path,
    times: dict[str, float],
) -> Iterator[Row]:
    """A row per pair, as they come. A worker that is late or dies is replaced."""
    waiting, workers = deque(pairs), list[Worker]()
    done = 0
    try:
        while waiting or workers:
            while waiting and len(workers) < args.jobs:
                workers.append(started(corpus, files))
            for worker in [w for w in workers if w.pair is None]:
                if not waiting:
                    worker.end()
                    workers.remove(worker)
                    continue
                worker.pair, worker.began = waiting.popleft(), time.monotonic()
                worker.line.send(worker.pair)
            ready = wait([worker.line for worker in workers], timeout=1.0)
            for worker in list(workers):
                took = time.monotonic() - worker.began
                pair = worker.pair
                late = worker.line not in ready and took > args.limit
                if pair is None or not (worker.line in ready or late):
                    continue
                row = {"outcome": "timeout"} if late else heard(worker)
                if row["outcome"] in STOPPED:
                    worker.end()
                    workers.remove(worker)
                worker.pair = None
                times[pair.name] = took
                done += 1
                if done % 25 == 0:
                    print(f"{done} of {len(pairs)} pairs mapped", flush=True)
                yield {"pair": pair.name, "asked": "map", **row}
    finally:
        for worker in workers:
            worker.end()


def started(corpus: Path, files: Path) -> Worker:
    """A worker that waits for its first pair."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    place = tempfile.TemporaryDirectory()
    process = context.Process(
        target=serve, args=(theirs, Path(place.name).resolve(), corpus, files), daemon=True
    )
    process.start()
    theirs.close()
    return Worker(process, ours, place)


def heard(worker: Worker) -> Row:
    """What a worker answered."""
    try:
        return worker.line.recv()
    except EOFError:
        worker.process.join()
        return {"outcome": "died", "code": worker.process.exitcode}


def serve(line: Connection, place: Path, corpus: Path, files: Path) -> None:
    """A worker: pairs in, rows out, until it is killed or its line ends."""
    furnish(place, corpus)
    os.chdir(place)
    while True:
        try:
            pair = line.recv()
        except EOFError:
            return
        line.send(row_of(pair, place, files))


def row_of(pair: Pair, place: Path, files: Path) -> Row:
    """What `map` does with a pair, in the workplace `place`, which is the current folder."""
    from mapper import api

    for left in place.glob("*out*"):  # out, out.refused, out.rejected
        shutil.rmtree(left)
    try:
        result = api.map(pair.model, pair.device, output="out", models=pair.models, **pair.options)
        facts, screen = result.facts, result.text
    except Exception as error:
        message = str(error).replace(str(place), ".")
        return {"outcome": "exception", "class": type(error).__name__, "message": message}
    answers = {
        "facts.json": json.dumps(facts, indent=1, default=number).encode(),
        "screen.txt": screen.encode(),
    }
    written = None if result.path is None else str(result.path)
    for path in [] if result.path is None else sorted(result.path.iterdir()):
        answers[path.name] = path.read_bytes()
    arrays = {name: members(data) for name, data in answers.items() if name.endswith(".npz")}
    return {
        "outcome": facts["outcome"],
        "exit": result.exit_code,
        "written": written,
        "first_line": screen.partition("\n")[0],
        "files": {name: kept(name, data, files) for name, data in sorted(answers.items())},
        "arrays": arrays,
    }


def number(value: Any) -> Any:
    """A scalar of numpy as JSON has it."""
    return value.item()


def kept(name: str, data: bytes, files: Path) -> str:
    """The SHA-256 of a file; its bytes are kept where `compare` can say what differs in them."""
    digest = hashlib.sha256(data).hexdigest()
    target = files / f"{digest}{Path(name).suffix}"
    if target.suffix in KEPT and not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        draft.write_bytes(data)
        draft.replace(target)
    return digest


def members(data: bytes) -> dict[str, str]:
    """The SHA-256 of each array of an .npz."""
    import io

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name.removesuffix(".npy"): hashlib.sha256(archive.read(name)).hexdigest()
            for name in sorted(archive.namelist())
        }


def verdicts(
    api: Any, files: Sequence[str], args: argparse.Namespace, times: dict[str, float]
) -> list[Row]:
    """A row per network and device, as `fit` without changes has it."""
    fitted = api.fit(
        files,
        "all",
        models=SIDECAR,
        repair=True,
        workers=args.jobs,
        time_limit=args.limit,
        changes=False,
    )
    rows: list[Row] = []
    for row in fitted.rows:
        # A bug's row ends with the module and line of ours, which a change of layout moves.
        findings = [f for f in row["findings"] if not re.fullmatch(r"in \S+\.py, line \d+", f)]
        name = f"verdict {row['model']} on {row['device']}"
        answer = {**row, "findings": findings}
        rows.append({"pair": name, "asked": "verdict", "outcome": row["status"], "row": answer})
    for took in fitted.times:
        times[f"verdict {took['model']} on {took['device']}"] = took["seconds"]
    return rows


# --- compare ---


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may differ: keys of JSON at any depth, and the number that ends a schema's name."""

    keys: frozenset[str]
    schema: bool

    def at(self, key: str, old: Any, new: Any) -> bool:
        """Whether a key's values may differ."""
        if key in self.keys:
            return True
        return key == "schema" and self.line(str(old), str(new))

    def line(self, old: str, new: str) -> bool:
        """Whether two lines differ in no more than the numbers of schemas, where these may."""
        stems = [SCHEMA.sub(r"\1", text) for text in (old, new)]
        return self.schema and stems[0] == stems[1]


class Difference(NamedTuple):
    """A place that differs, with what stands there before and after."""

    where: str
    old: Any
    new: Any
    allowed: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {shown(self.old)} -> {shown(self.new)}"


ABSENT = "(absent)"
BUT = "equal but for what may differ"


def shown(value: Any) -> str:
    """A value on one line, shortened."""
    text = value if value is ABSENT else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def compare(before: Path, after: Path, allowed: Allowed) -> int:
    """Print every pair that differs, its causes and counts; 2 where a record is absent."""
    rows: list[dict[str, Row]] = []
    for folder in (before, after):
        path = folder / "rows.jsonl"
        if not path.is_file():
            print(f"{path}: there is no record here; make one first", file=sys.stderr)
            return 2
        read = [json.loads(text) for text in path.read_text().splitlines()]
        rows.append({row["pair"]: row for row in read})
    if not rows[0]:
        print(f"{before}: the record holds no row; nothing is compared", file=sys.stderr)
        return 2
    counts: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for name in sorted(rows[0].keys() | rows[1].keys()):
        old, new = rows[0].get(name), rows[1].get(name)
        if old is None or new is None:
            counts["differ"] += 1
            print(f"{name}\n    only in {after if old is None else before}")
            continue
        if old["outcome"] == new["outcome"] and old["outcome"] in STOPPED:
            counts["stopped in both, which says nothing"] += 1
            continue
        found = list(of_rows(old, new, before / "files", after / "files", allowed))
        real = [difference for difference in found if not difference.allowed]
        if not found:
            counts["equal"] += 1
        elif not real:
            counts[BUT] += 1
        else:
            counts["differ"] += 1
            print(name)
            for text in firsts(real):
                print(f"    {text}")
        causes.update({re.sub(r"\[\d+\]|line \d+", "[]", d.where) for d in real})
    for cause, n in causes.most_common(20):
        print(f"in {n} pairs: {cause}")
    print(", ".join(f"{counts[kind]} {kind}" for kind in ("equal", *sorted({*counts} - {"equal"}))))
    return int(counts["differ"] > 0 or not (counts["equal"] or counts[BUT]))


def firsts(found: Sequence[Difference]) -> Iterator[str]:
    """Per file the first difference and how many more."""
    groups: dict[str, list[Difference]] = {}
    for difference in found:
        groups.setdefault(difference.where.partition(": ")[0], []).append(difference)
    for group in groups.values():
        more = f" (and {len(group) - 1} more)" if len(group) > 1 else ""
        yield f"{group[0]}{more}"


def of_rows(
    old: Row, new: Row, before: Path, after: Path, allowed: Allowed
) -> Iterator[Difference]:
    """All that differs between two rows of a pair."""
    apart = ("files", "arrays")
    plain = [{key: row[key] for key in row if key not in apart} for row in (old, new)]
    for difference in of_values(plain[0], plain[1], "", allowed):
        yield difference._replace(where=f"row: {difference.where}")
    hashes: list[dict[str, str]] = [row.get("files", {}) for row in (old, new)]
    names = sorted(hashes[0].keys() | hashes[1].keys())
    differing = {name for name in names if hashes[0].get(name) != hashes[1].get(name)}
    for name in sorted(differing):
        one, other = (found.get(name) for found in hashes)
        if one is None or other is None:
            where = f"{name}: file"
            yield Difference(where, one or ABSENT, other or ABSENT, name in allowed.keys)
            continue
        inside = list(of_files(name, one, other, before, after, allowed))
        inside += of_values(old["arrays"].get(name, {}), new["arrays"].get(name, {}), "", allowed)
        for difference in inside or [Difference("bytes", one, other)]:
            # The manifest's hash of a file that differs: that file is compared itself.
            repeated = difference.where.removeprefix("files.") in differing
            yield difference._replace(
                where=f"{name}: {difference.where}",
                allowed=difference.allowed or repeated or name in allowed.keys,
            )


def of_files(
    name: str, one: str, other: str, before: Path, after: Path, allowed: Allowed
) -> Iterator[Difference]:
    """What differs in two files of that name, by key or by line; nothing where none was kept."""
    suffix = Path(name).suffix
    if suffix not in KEPT:
        return
    texts = [
        (folder / f"{digest}{suffix}").read_text(encoding="utf-8")
        for folder, digest in ((before, one), (after, other))
    ]
    if suffix == ".json":
        yield from of_values(json.loads(texts[0]), json.loads(texts[1]), "", allowed)
    else:
        yield from of_lines(texts[0].split("\n"), texts[1].split("\n"), allowed)


def of_values(old: Any, new: Any, where: str, allowed: Allowed) -> Iterator[Difference]:
    """The leaves in which two JSON values differ, and keys in another order."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            one, other = old.get(key, ABSENT), new.get(key, ABSENT)
            place = f"{where}.{key}" if where else key
            if allowed.at(key, one, other):
                if not alike(one, other):
                    yield Difference(place, one, other, True)
            elif one is ABSENT or other is ABSENT:
                yield Difference(place, one, other)
            else:
                yield from of_values(one, other, place, allowed)
        common = [[key for key in keys if key in old and key in new] for keys in (old, new)]
        if common[0] != common[1]:
            yield Difference(f"{where} order of keys".strip(), *common)
    elif isinstance(old, list) and isinstance(new, list):
        for i, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from of_values(one, other, f"{where}[{i}]", allowed)
        if len(old) != len(new):
            yield Difference(f"{where} length".strip(), len(old), len(new))
    elif not alike(old, new):
        yield Difference(where or "value", old, new)


def alike(old: Any, new: Any) -> bool:
    """Whether two JSON values are written alike: 1, 1.0 and true are not, NaN and NaN are."""
    return json.dumps(old) == json.dumps(new)


def of_lines(old: Sequence[str], new: Sequence[str], allowed: Allowed) -> Iterator[Difference]:
    """The lines in which two texts differ, by number."""
    for i in range(max(len(old), len(new))):
        one = old[i] if i < len(old) else ABSENT
        other = new[i] if i < len(new) else ABSENT
        if one != other:
            yield Difference(f"line {i + 1}", one, other, allowed.line(one, other))


if __name__ == "__main__":
    sys.exit(main())
