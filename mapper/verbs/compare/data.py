"""The data of a comparison: events for the network, and labels where there are some.

An .npz holds either

    raster   integers (sample, step, channels...): events of each step, or
    events   structured (sample, t, p, y, x): `t` in seconds, `p` 1 for ON and 0 for OFF;
             for inputs without a map (sample, t, x), `x` being the channel,

and may hold `labels` (sample,), and texts: `polarity` (`on-first` or `off-first`: which
channel of a two-channel map is ON, needed for `events`), `dataset` (its name) and `split`
(`train`, `validation` or `test`). A NIR data file (nir.write_data) holds the spikes of the
input nodes instead, on a grid or as events. Files are untrusted: sizes are read from their
headers first, and objects never.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from nir_io.arrays import AnyArray as Array
from nir_io.arrays import AnyDtype
from nir_io.data import Observed
from nir_io.errors import BadInput
from nir_io.limits import Limits
from nir_io.raw import printable

POLARITIES = ("on-first", "off-first")
SPLITS = ("train", "validation", "test")
HDF5 = b"\x89HDF\r\n\x1a\n"
MOST_EVENTS = 65535  # of a channel in a step
MOST_BYTES = 2**32  # of all arrays of a file, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the network takes: its inputs in name order, and the wall-clock step in seconds."""

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    dt: float | None
    steps: int | None
    classes: int

    @property
    def channels(self) -> int:
        """Channels of all inputs together."""
        return sum(int(np.prod(shape)) for _, shape in self.inputs)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Data:
    """raster: counts (sample, step, channel), inputs concatenated flat in name order.

    labels (sample,) or None; dataset, split: as the file says, or ''; notes: sentences.
    """

    name: str
    raster: Array
    labels: Array | None
    dataset: str = ""
    split: str = ""
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.raster.shape[0]

    def first(self, n: int | None) -> Data:
        """The first n samples; all of them where there are fewer, or for None."""
        if n is None or n >= self.samples:
            return self
        labels = None if self.labels is None else self.labels[:n]
        return replace(self, raster=self.raster[:n], labels=labels)

    def part(self, some: slice) -> Data:
        """Some of the samples."""
        labels = None if self.labels is None else self.labels[some]
        return replace(self, raster=self.raster[some], labels=labels)


def read(
    path: Path, wanted: Wanted, *, polarity: str | None = None, limits: Limits | None = None
) -> Data:
    """The data of a file. Raises BadInput with every finding."""
    limits = limits or Limits()
    shown = printable(str(path), 200)
    if polarity is not None and polarity not in POLARITIES:
        raise BadInput(
            [f"option --polarity: '{printable(polarity)}'; expected {' or '.join(POLARITIES)}"]
        )
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInput([f"{shown}: cannot be opened: {reason}"]) from error
    if start == HDF5:
        from nir_io.data import observed

        return _of_nir(observed(path, limits), path.name, shown, wanted)
    if not start.startswith(b"PK"):
        raise BadInput(
            [f"{shown}: is neither an .npz nor a NIR data file (HDF5); expected one of them"]
        )
    arrays = npz(path, limits, ("raster", "events", "labels", "polarity", "dataset", "split"))
    return _of_npz(arrays, path.name, shown, wanted, polarity)


def of_array(raster: Array, labels: Array | None, wanted: Wanted, name: str = "array") -> Data:
    """Data that are in memory already. Raises BadInput."""
    found: list[str] = []
    counts = _raster(np.asarray(raster), name, wanted, found)
    data = Data(name=name, raster=counts, labels=None)
    return _labelled(data, labels, name, wanted, found)


def npz(path: Path, limits: Limits, wanted: tuple[str, ...] | None = None) -> dict[str, Array]:
    """The plain arrays of an .npz, their sizes read from headers first. Raises BadInput."""
    shown = printable(str(path), 200)
    found: list[str] = []
    arrays: dict[str, Array] = {}
    spent, most = 0, max(MOST_BYTES, 8 * limits.elements)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                key = entry.filename.removesuffix(".npy")
                if wanted is not None and key not in wanted:
                    continue
                where = f"{shown}: '{printable(key)}'"
                with archive.open(entry) as file:
                    shape, dtype = _header(file)
                if dtype.hasobject:
                    found.append(f"{where} holds Python objects, which are never read")
                    continue
                spent += int(np.prod(shape, dtype=object)) * dtype.itemsize
                if spent > most:
                    found.append(
                        f"{where} has the shape {shape} of {dtype}; all arrays together may have "
                        f"{most:,} bytes: raise it with --limit elements=N (8 bytes each)"
                    )
                    break
                with archive.open(entry) as file:
                    arrays[key] = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput([f"{shown}: there is no such file"]) from error
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput([f"{shown}: is a damaged .npz: {printable(line, 200)}"]) from error
    except (zipfile.BadZipFile, MemoryError, SyntaxError, TypeError) as error:
        raise BadInput([f"{shown}: is a damaged .npz"]) from error
    if found:
        raise BadInput(found)
    return arrays


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], AnyDtype]:
    version = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    return shape, dtype


def _of_npz(
    arrays: Mapping[str, Array], name: str, shown: str, wanted: Wanted, polarity: str | None
) -> Data:
    found: list[str] = []
    texts = {key: _text(arrays, key, shown, found) for key in ("polarity", "dataset", "split")}
    if texts["polarity"] and texts["polarity"] not in POLARITIES:
        found.append(
            f"{shown}: 'polarity' is '{texts['polarity']}'; expected {' or '.join(POLARITIES)}"
        )
    if texts["split"] and texts["split"] not in SPLITS:
        found.append(f"{shown}: 'split' is '{texts['split']}'; expected {', '.join(SPLITS)}")
    if ("raster" in arrays) == ("events" in arrays):
        both = "both 'raster' and 'events'" if "raster" in arrays else "no 'raster' or 'events'"
        raise BadInput([*found, f"{shown}: holds {both}; expected one of them"])
    notes: tuple[str, ...] = ()
    if "raster" in arrays:
        counts = _raster(arrays["raster"], shown, wanted, found)
    else:
        order = polarity or texts["polarity"]
        counts, notes = _binned(arrays["events"], shown, wanted, order, found)
    data = Data(
        name=printable(name, 120),
        raster=counts,
        labels=None,
        dataset=texts["dataset"],
        split=texts["split"],
        notes=notes,
    )
    return _labelled(data, arrays.get("labels"), shown, wanted, found)


def _text(arrays: Mapping[str, Array], key: str, shown: str, found: list[str]) -> str:
    if key not in arrays:
        return ""
    value = arrays[key]
    if value.dtype.kind not in "US" or value.size != 1:
        found.append(
            f"{shown}: '{key}' has the type {value.dtype} and {value.shape}; expected a text"
        )
        return ""
    item = value.reshape(()).item()
    return printable(item if isinstance(item, str) else item.decode("utf-8", "replace"), 120)


def _labelled(
    data: Data, labels: Array | None, shown: str, wanted: Wanted, found: list[str]
) -> Data:
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (data.samples,) or labels.dtype.kind not in "iu":
            found.append(
                f"{shown}: 'labels' has the shape {labels.shape} and type {labels.dtype}; expected "
                f"({data.samples},) integers, one a sample"
            )
        elif labels.size and not 0 <= labels.min() <= labels.max() < wanted.classes:
            found.append(
                f"{shown}: 'labels' are {labels.min()}..{labels.max()}; the network has "
                f"{wanted.classes} outputs: expected 0..{wanted.classes - 1}"
            )
    if found:
        raise BadInput(found)
    return data if labels is None else replace(data, labels=labels.astype(np.int64))


def _raster(raster: Array, shown: str, wanted: Wanted, found: list[str]) -> Array:
    """Counts (sample, step, channel)."""
    nothing = np.zeros((0, 0, wanted.channels), np.uint8)
    if raster.dtype.kind not in "buif" or raster.ndim < 3:
        found.append(
            f"{shown}: 'raster' has the shape {raster.shape} and type {raster.dtype}; expected "
            "integers (sample, step, channels...)"
        )
        return nothing
    samples, steps = raster.shape[:2]
    if not samples or not steps:
        found.append(f"{shown}: 'raster' has the shape {raster.shape}: there is nothing to run")
        return nothing
    given = raster.shape[2:]
    shapes = [shape for _, shape in wanted.inputs]
    fits = int(np.prod(given)) == wanted.channels
    if len(shapes) == 1 and len(given) > 1 and len(shapes[0]) > 1:
        fits = _squeezed(given) == _squeezed(shapes[0])
    if not fits:
        names = ", ".join(
            f"'{name}' {' x '.join(map(str, shape))}" for name, shape in wanted.inputs
        )
        found.append(
            f"{shown}: 'raster' has {' x '.join(map(str, given))} channels a step; the network "
            f"reads {names}" + (f" ({wanted.channels} in all)" if len(shapes) > 1 else "")
        )
        return nothing
    if raster.dtype.kind == "f" and not np.array_equal(raster, np.rint(raster)):
        found.append(
            f"{shown}: 'raster' holds fractions or NaN; chips take whole events. Encode real "
            "values as events first"
        )
        return nothing
    low, high = raster.min(), raster.max()
    if low < 0 or high > MOST_EVENTS:
        found.append(f"{shown}: 'raster' holds {low:g}..{high:g}; expected 0..{MOST_EVENTS} events")
        return nothing
    kind = np.uint8 if high < 256 else np.uint16
    return raster.reshape(samples, steps, -1).astype(kind)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _binned(
    events: Array, shown: str, wanted: Wanted, order: str, found: list[str]
) -> tuple[Array, tuple[str, ...]]:
    """Events counted step by step, a step being the chip's."""
    nothing = np.zeros((0, 0, wanted.channels), np.uint8), ()
    need = _axes(events, shown, wanted, order, found)
    if found:
        return nothing
    assert wanted.dt is not None
    shape = wanted.inputs[0][1]
    t = np.asarray(events["t"], dtype=np.float64)
    axes = {key: np.asarray(events[key]) for key in need if key != "t"}
    numbers = all(a.dtype.kind in "buif" for a in axes.values())
    if not numbers or not np.isfinite(t).all() or t.min() < 0:
        found.append(f"{shown}: 'events' holds times below 0 or that are no numbers")
        return nothing
    if t.max() / wanted.dt > 1e7:
        found.append(f"{shown}: 'events' end at {t.max():g} s, or {t.max() / wanted.dt:.3g} steps")
        return nothing
    step = np.floor(t / wanted.dt + 1e-9).astype(np.int64)
    if len(shape) > 1 and shape[0] == 2 and order == "on-first":
        axes["p"] = 1 - axes["p"]
    keys = ("sample", *(key for key in need if key not in ("sample", "t")))
    at = [axes[key].astype(np.int64) for key in keys]
    sizes = (int(at[0].max(initial=0)) + 1, *shape)
    for key, where, size in zip(keys, at, sizes, strict=True):
        if where.min() < 0 or where.max() >= size:
            found.append(
                f"{shown}: 'events' have {key} {where.min()}..{where.max()}; the network reads "
                f"0..{size - 1}"
            )
    steps = wanted.steps or int(step.max()) + 1
    if sizes[0] * steps * wanted.channels > 2**33:
        found.append(f"{shown}: 'events' would make {sizes[0]} samples of {steps} steps: too many")
    return nothing if found else _counted(at, step, steps, sizes)


def _counted(
    at: list[Array], step: Array, steps: int, sizes: tuple[int, ...]
) -> tuple[Array, tuple[str, ...]]:
    """Counts (sample, step, channel); at: sample and places of each event."""
    inside = step < steps
    notes: tuple[str, ...] = ()
    if not inside.all():
        late = int(np.count_nonzero(~inside))
        notes = (f"{late:,} of {step.size:,} events come after the {steps} steps of a run",)
    samples, *shape = sizes
    raster = np.zeros((samples, steps, *shape), np.uint16)
    np.add.at(raster, (at[0][inside], step[inside], *(a[inside] for a in at[1:])), 1)
    kind = np.uint8 if raster.max(initial=0) < 256 else np.uint16
    return raster.reshape(samples, steps, -1).astype(kind), notes


def _axes(
    events: Array, shown: str, wanted: Wanted, order: str, found: list[str]
) -> tuple[str, ...]:
    """The fields that events must have for this network; what is wrong goes to `found`."""
    if len(wanted.inputs) != 1:
        found.append(
            f"{shown}: 'events' are for one input; the network has {len(wanted.inputs)}: give a 'raster'"
        )
        return ()
    shape = wanted.inputs[0][1]
    flat = len(shape) == 1
    need = ("sample", "t", "x") if flat else ("sample", "t", "p", "y", "x")[: 2 + len(shape)]
    need = ("sample", "t", "p", "x") if len(shape) == 2 else need
    names = events.dtype.names or ()
    missing = [key for key in need if key not in names]
    if missing or events.ndim != 1 or not events.size:
        found.append(
            f"{shown}: 'events' has the shape {events.shape} and fields {list(names)}; expected "
            f"one row an event with {', '.join(need)}"
        )
        return ()
    if wanted.dt is None:
        found.append(
            f"{shown}: 'events' have times in seconds, and the chip's time step is not known; "
            "pass --chip-dt SECONDS"
        )
    if not flat and shape[0] == 2 and not order:
        found.append(
            f"{shown}: 'events' have two polarities; say which channel of the network is ON: "
            f"'polarity' in the file or --polarity, {' or '.join(POLARITIES)}"
        )
    return need


def _of_nir(observed: Mapping[str, Observed], name: str, shown: str, wanted: Wanted) -> Data:
    """The input nodes' spikes of a NIR data file, in name order."""
    found: list[str] = []
    parts: list[Array] = []
    for port, shape in wanted.inputs:
        size = int(np.prod(shape))
        held = observed.get(port)
        if held is None:
            has = ", ".join(f"'{printable(key)}'" for key in observed) or "none"
            found.append(f"{shown}: has no spikes of the input '{port}'; it has those of: {has}")
        elif held.neurons != size:
            found.append(f"{shown}: '{port}' has {held.neurons} channels; the network reads {size}")
        elif held.grid is None and wanted.dt is None:
            found.append(
                f"{shown}: '{port}' has times in seconds, and the chip's time step is not known; "
                "pass --chip-dt SECONDS"
            )
        elif held.grid is not None:
            parts.append(held.grid)
        else:
            parts.append(held.binned(wanted.dt, wanted.steps))
    lengths = {part.shape[:2] for part in parts}
    if len(lengths) > 1:
        found.append(f"{shown}: inputs differ in samples or steps: {sorted(lengths)}")
    if found:
        raise BadInput(found)
    counts = _raster(np.concatenate(parts, axis=2), shown, wanted, found)
    data = Data(name=printable(name, 120), raster=counts, labels=None)
    return _labelled(data, None, shown, wanted, found)
