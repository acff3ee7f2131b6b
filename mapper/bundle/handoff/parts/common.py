# Part of a bundle made by nirmap (format nirmap-bundle-2). Needs numpy and the vendor's SDK only.
#
#     python deploy.py                         build the network, run a self-test in the simulator
#     python deploy.py --check                 ... and compare it with expected.npz
#     python deploy.py --input DATA.npz --save RUN.npz
#     python deploy.py --hardware ...          the chip instead of the simulator
#
# Before anything of the vendor's is imported, every file's SHA-256 is compared with the
# manifest. Names in the bundle are data: none becomes a path, an identifier or code.
from __future__ import annotations

import os
import sys

if __name__ == "__main__" and sys.path and os.path.exists(sys.path[0] or "."):
    if os.path.samefile(sys.path[0] or ".", os.path.dirname(os.path.abspath(__file__))):
        del sys.path[0]  # a file beside this one must not stand in for numpy or the SDK

import argparse
import hashlib
import io
import json
import stat
import zipfile

try:
    import numpy as np
except ImportError:
    print("deploy.py: numpy is not installed in this Python", file=sys.stderr)
    sys.exit(2)

SCHEMA = "nirmap-bundle-2"
MOST = {"manifest.json": 64 << 20}
MOST_BYTES = 4 << 30  # of any other file
RELAY_STEPS = 1  # a relay repeats its neuron over one connection
KEYS = (
    "arrays",
    "contract",
    "device",
    "files",
    "host",
    "inputs",
    "outputs",
    "populations",
    "projections",
    "semantics",
    "slices",
)


class Stop(Exception):
    """A reason to do nothing, in one line."""


def shown(text):
    """A name of the bundle or a file, harmless to print."""
    found = json.dumps(str(text))
    return found if len(found) <= 80 else found[:76] + '..."'


def read_file(path, most):
    """A plain file's bytes; neither a link nor a device is followed."""
    name = shown(os.path.basename(path))
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise Stop("%s is no plain file" % name)
        if found.st_size > most:
            raise Stop("%s has %d bytes; at most %d are read" % (name, found.st_size, most))
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Stop("%s cannot be read: %s" % (name, error.strerror)) from error


def unpack(data, what):
    """The arrays of an .npz, none of them objects."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        raise Stop("%s holds no plain arrays: %s" % (what, line)) from error


def _unique(pairs):
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


class Net:
    """The manifest with its arrays, checked, and look-ups by name."""

    def __init__(self, manifest, arrays, expected, digest=""):
        self.manifest, self.arrays, self.expected = manifest, arrays, expected
        self.digest = digest  # SHA-256 of manifest.json, which holds those of all the rest
        self.populations = {row["name"]: row for row in manifest["populations"]}
        self.inputs = {row["name"]: row for row in manifest["inputs"]}
        self.projections = manifest["projections"]

    def shape(self, name):
        row = self.populations.get(name) or self.inputs[name]
        return tuple(row["shape"])

    def size(self, name):
        return int(np.prod(self.shape(name), dtype=np.int64))

    def value(self, what):
        return self.arrays[what] if isinstance(what, str) and what in self.arrays else what

    def param(self, row, key, default=None):
        return self.value(row["params"].get(key, default))

    def each(self, row, key, size, dtype=np.int64):
        """A parameter as one number an entry."""
        return np.broadcast_to(np.ravel(self.param(row, key)), (size,)).astype(dtype)

    def heard(self):
        """The populations that the outputs need: a chip records no others unless asked."""
        found = {row["population"] for row in self.manifest["outputs"] if row["population"]}
        for stage in self.manifest["host"]:
            found |= {path["source"] for path in stage["paths"]}
        return [name for name in self.populations if name in found]

    def recorded(self, options):
        """The populations to record: all in a simulator, on a chip if asked."""
        every = options.record_all or not options.hardware
        return list(self.populations) if every else self.heard()

    def is_bias(self, row):
        source = row["source"]
        return source.startswith("bias:") and source not in self.populations

    def late(self):
        rows = list(self.manifest["outputs"]) + list(self.manifest["populations"])
        return max([row["latency"] for row in rows] or [0])


def load(folder, family):
    """The bundle in `folder`, every file compared with its hash. Raises Stop."""
    try:
        return _load(folder, family)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        line = str(error).splitlines()[0] if str(error) else ""
        raise Stop("manifest.json is damaged: %s %s" % (type(error).__name__, line)) from error


def _format(found):
    """What to do about a manifest of another format."""
    head, _, number = str(found).rpartition("-")
    if head != SCHEMA.rpartition("-")[0] or not (number.isascii() and number.isdecimal()):
        return "this is no bundle of nirmap"
    if int(number[:9]) < int(SCHEMA.rpartition("-")[2]):
        return "the bundle was made by an earlier nirmap; map the network again"
    return "the bundle was made by a later nirmap; use its own deploy.py"


def _load(folder, family):
    text = read_file(os.path.join(folder, "manifest.json"), MOST["manifest.json"])
    try:
        manifest = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Stop("manifest.json is not JSON that can be read") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else None
        raise Stop("%s (schema: %s; expected %s)" % (_format(found), shown(found), SCHEMA))
    missing = [key for key in KEYS if key not in manifest]
    if missing:
        raise Stop("manifest.json is damaged: it has no %s" % ", ".join(missing))
    files = manifest["files"]
    if not isinstance(files, dict):
        raise Stop("manifest.json is damaged: 'files' is no object")
    if not isinstance(manifest["device"], dict) or manifest["device"].get("family") != family:
        raise Stop("this deploy.py is for %s; the bundle is for another family" % family)
    data = {}
    for name in sorted({"arrays.npz", "expected.npz", "deploy.py"} | set(files)):
        if name not in files:
            raise Stop("manifest.json lists no %s" % shown(name))
        if name != os.path.basename(name) or name in ("", ".", "..") or "\\" in name:
            raise Stop("%s is no plain file name" % shown(name))
        content = read_file(os.path.join(folder, name), MOST_BYTES)
        if hashlib.sha256(content).hexdigest() != files[name]:
            raise Stop("%s is damaged or was changed: its SHA-256 differs" % shown(name))
        if name in ("arrays.npz", "expected.npz"):
            data[name] = content
    arrays = unpack(data["arrays.npz"], "arrays.npz")
    for name, row in manifest["arrays"].items():
        found = arrays.get(name)
        if found is None or list(found.shape) != row["shape"] or found.dtype.name != row["dtype"]:
            raise Stop("arrays.npz does not hold %s as the manifest says" % shown(name))
    expected = unpack(data["expected.npz"], "expected.npz")
    if "raster" not in expected:
        raise Stop("expected.npz holds no raster")
    return Net(manifest, arrays, expected, hashlib.sha256(text).hexdigest())


def need_sdk(package, wanted, other):
    """The installed version of an SDK. Raises Stop where it is missing or another."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(package)
    except PackageNotFoundError:
        raise Stop(
            "%s is not installed in this Python; install version %s" % (package, wanted)
        ) from None
    if other or found == wanted or found.startswith(wanted + "."):
        return found
    raise Stop(
        "%s is version %s; this bundle was made for %s (--other-version tries it all the same)"
        % (package, found, wanted)
    )


def raster_of(net, arrays, what):
    """Input events (sample, step, channel) as integers, flat in the order of the inputs."""
    if "raster" in arrays:
        raster = arrays["raster"]
    elif len(arrays) == 1:
        raster = next(iter(arrays.values()))
    else:
        raise Stop("%s must hold an array named 'raster' (sample, step, channels)" % what)
    need = sum(net.size(name) for name in net.inputs)
    if raster.ndim < 2 or raster.dtype.kind not in "buif":
        raise Stop("%s: 'raster' must hold numbers (sample, step, channels)" % what)
    channels = int(np.prod(raster.shape[2:], dtype=np.int64))
    flat = raster.reshape(raster.shape[:2] + (channels,))
    if flat.shape[0] == 0 or flat.shape[1] == 0 or channels != need:
        raise Stop(
            "%s: 'raster' has the shape %s; the bundle reads %d channels a step"
            % (what, raster.shape, need)
        )
    if flat.dtype.kind == "f":
        if not np.array_equal(flat, np.rint(flat)):
            raise Stop("%s: 'raster' holds fractions; the chip reads whole events" % what)
    most = net.manifest["contract"].get("max_count") or 1
    low, high = flat.min(), flat.max()
    if low < 0 or high > most:
        raise Stop("%s: counts of %s..%s a step; 0..%d can be sent" % (what, low, high, most))
    return flat.astype(np.int64)


def execute(net, flat, run):
    """What the outputs give, in order, and the recorded populations, by name.

    All are (sample, step, value), latencies removed. run(net, rasters, steps, read) gives
    spikes and membranes by population, on data that are lengthened by the flush of the
    pipeline; a chip may leave out populations that no output needs.
    """
    samples, steps, channels = flat.shape
    late = net.late()
    longer = np.concatenate([flat, np.zeros((samples, late, channels), flat.dtype)], axis=1)
    rasters = {
        name: longer[:, :, row["offset"] : row["offset"] + net.size(name)]
        for name, row in net.inputs.items()
    }
    rows = net.manifest["outputs"]
    read = tuple(row["population"] for row in rows if row["read"] == "v")
    spikes, membranes = run(net, rasters, steps + late, read)

    def cut(values, row, more=0):
        return values[:, row["latency"] + more : row["latency"] + more + steps]

    populations = {
        name: cut(spikes[name], row) for name, row in net.populations.items() if name in spikes
    }
    read_out = dict(populations)  # the host sees a relayed population by its relays alone
    for name, row in net.populations.items():
        if "relay:" + name in spikes:
            read_out[name] = cut(spikes["relay:" + name], row, RELAY_STEPS)
    outputs = []
    for row in rows:
        name = row["population"]
        if row["read"] == "host":
            outputs.append(host(net, row["name"], read_out, flat))
        elif row["read"] == "v":
            scale = np.asarray(net.value(net.populations[name]["scale"]), dtype=np.float64)
            outputs.append(cut(membranes[name], row) / scale)
        else:
            outputs.append(read_out[name])
    return outputs, populations


def host(net, output, populations, flat):
    """A read-out that the host computes from recorded spikes."""
    stage = next(row for row in net.manifest["host"] if row["output"] == output)
    total = None
    for path in stage["paths"]:
        source = path["source"]
        if source in populations:
            x = populations[source]
        elif source in net.populations:
            raise Stop(
                "%s reads %s, which the chip did not record" % (shown(output), shown(source))
            )
        else:
            at = net.inputs[source]["offset"]
            x = flat[:, :, at : at + net.size(source)]
        samples, steps = x.shape[:2]
        x = x.reshape((samples * steps,) + net.shape(source)).astype(np.float64)
        for row in path["stages"]:
            if row["kind"] == "Delay":
                late = held(x.reshape(samples, steps, -1), np.asarray(net.value(row["steps"])))
                x = late.reshape(x.shape)
            else:
                x = linear(net, row, x).reshape((len(x),) + tuple(row["shape_out"]))
        x = x.reshape(samples, steps, -1)
        total = x if total is None else total + x
    neuron = stage["neuron"]
    if neuron is None:
        return total
    a, ka, b, kb, leak = (
        net.value(neuron[key]) for key in ("syn_decay", "syn_gain", "mem_decay", "mem_gain", "leak")
    )
    s = v = np.zeros((len(total), total.shape[2]))
    out = np.empty_like(total)
    for t in range(total.shape[1]):
        s = a * s + ka * total[:, t]
        v = b * v + kb * s + leak
        out[:, t] = v
    return out


def held(x, delays):
    """(sample, step, value) with each value (value,) as many steps later; nothing before."""
    out = np.zeros_like(x)
    for late in np.unique(delays):
        steps, some = int(late), delays == late
        out[:, steps:, some] = x[:, : max(0, x.shape[1] - steps), some]
    return out


def linear(net, row, x):
    """A node without a state: (row, *shape_in) to (row, ...)."""
    kind = row["kind"]
    get = {key: net.value(value) for key, value in row.items()}
    if kind in ("Input", "Output", "Flatten"):
        return x
    if kind == "Scale":
        return x * get["scale"]
    if kind in ("Linear", "Affine"):
        out = x.reshape(len(x), -1) @ np.asarray(get["weight"], np.float64).T
        return out + get["bias"] if kind == "Affine" else out
    if kind in ("SumPool2d", "AvgPool2d"):
        (ky, kx), (sy, sx), (py, px) = get["kernel_size"], get["stride"], get["padding"]
        _, oy, ox = row["shape_out"]
        x = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
        parts = [
            x[:, :, i : i + sy * (oy - 1) + 1 : sy, j : j + sx * (ox - 1) + 1 : sx]
            for i in range(ky)
            for j in range(kx)
        ]
        return sum(parts) / (ky * kx if kind == "AvgPool2d" else 1)
    if kind in ("Conv1d", "Conv2d"):
        return convolve(get, x, row["shape_out"], flat=kind == "Conv1d")
    raise Stop("the bundle has a host stage of kind %s, which is not known here" % shown(kind))


def convolve(get, x, shape_out, flat):
    """Cross-correlation with groups; a Conv1d runs on maps of height 1."""
    kernel = np.asarray(get["weight"], np.float64)
    (sy, sx), (dy, dx) = (1, get["stride"]), (1, get["dilation"])
    pads = (0, 0) + tuple(get["padding"]) if flat else tuple(get["padding"])
    if flat:
        kernel, x = kernel[:, :, None, :], x[:, :, None, :]
    else:
        (sy, sx), (dy, dx) = get["stride"], get["dilation"]
    oy, ox = (1, shape_out[1]) if flat else tuple(shape_out[1:])
    x = np.pad(x, ((0, 0), (0, 0), pads[:2], pads[2:]))
    groups, features = get["groups"], len(kernel)
    per_in, per_out = kernel.shape[1], features // groups
    out = np.zeros((len(x), features, oy, ox))
    for i, j in np.ndindex(*kernel.shape[2:]):
        y0, x0 = i * dy, j * dx
        seen = x[:, :, y0 : y0 + sy * (oy - 1) + 1 : sy, x0 : x0 + sx * (ox - 1) + 1 : sx]
        for g in range(groups):
            own = slice(g * per_out, (g + 1) * per_out)
            part = seen[:, g * per_in : (g + 1) * per_in]
            out[:, own] += np.einsum("oc,ncyx->noyx", kernel[own, :, i, j], part)
    return out + np.asarray(get["bias"])[:, None, None]


def named(net, outputs, populations):
    """The arrays under their names in expected.npz and RUN.npz."""
    found = {"output%03d" % i: value for i, value in enumerate(outputs)}
    order = {name: "population%03d" % i for i, name in enumerate(net.populations)}
    found.update({order[name]: value for name, value in populations.items()})
    return found


def compare(net, outputs, populations, share=0.0):
    """Stop unless everything is as expected.npz says; the number of spikes compared.

    share: where events are taken one by one their order is free, and counts are compared
    instead, which may differ by this share, or by 2.
    """
    said, spikes = [], 0
    for name, value in sorted(named(net, outputs, populations).items()):
        wanted = net.expected.get(name)
        if wanted is None or wanted.shape != value.shape:
            raise Stop("expected.npz does not fit the manifest: %s" % name)
        spikes += int(wanted.sum()) if name.startswith("population") else 0
        if share:
            total, right = float(value.sum()), float(wanted.sum())
            if abs(total - right) > max(2, share * abs(right)):
                said.append("%s has %g counts instead of %g" % (name, total, right))
            continue
        exact = value.dtype.kind in "iub"
        same = np.array_equal(value, wanted) if exact else np.allclose(value, wanted, atol=1e-9)
        if not same:
            wrong = int(np.count_nonzero(value != wanted))
            said.append("%s differs in %d of %d values" % (name, wrong, value.size))
    if said:
        raise Stop("not what expected.npz says: " + "; ".join(said))
    return spikes


def save(path, net, outputs, populations, labels, where):
    """RUN.npz: the arrays named as in expected.npz, what they stand for, what made them."""
    arrays = named(net, outputs, populations)
    arrays["output_names"] = np.array([row["name"] for row in net.manifest["outputs"]])
    arrays["population_names"] = np.array(list(net.populations))
    arrays["counts"] = counts(outputs)
    arrays["decisions"] = decide(net, outputs)
    arrays["where"] = np.array(where)
    arrays["manifest"] = np.array(net.digest)
    if labels is not None:
        arrays["labels"] = labels
    beside = path + ".part"
    try:
        with open(beside, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(beside, path)
    except OSError as error:
        raise Stop("%s cannot be written: %s" % (shown(path), error.strerror)) from error


def counts(outputs):
    """Spikes (or summed values) of each output neuron: (sample, value)."""
    return np.concatenate([out.sum(axis=1, dtype=np.float64) for out in outputs], axis=1)


def decide(net, outputs):
    """The decision of each sample, (sample,), by the contract's rule; the first of equals."""
    rule = net.manifest["contract"]["decode"]
    values = np.concatenate([np.asarray(out, np.float64) for out in outputs], axis=2)
    if rule == "v-last":
        table = values[:, -1]
    elif rule == "v-max":
        table = values.max(axis=1)
    elif rule == "first-spike":
        fired = values > 0
        table = -np.where(fired.any(axis=1), fired.argmax(axis=1), values.shape[1])
    elif rule == "count":
        table = values.sum(axis=1)
    else:
        raise Stop("the contract's rule of decision is unknown: %s" % shown(rule))
    return table.argmax(axis=1)


def main(family):
    """The command. `family` has NAME, SDK, arguments, prepare and run.

    prepare(net, options) checks the bundle against the SDK, builds what it can and gives a
    line on it; it may set `family.only`, why there is nothing to run, and `family.where`.
    """
    parser = argparse.ArgumentParser(description="Runs this bundle with the vendor's SDK.")
    parser.add_argument("--hardware", action="store_true", help="the chip, not the simulator")
    parser.add_argument("--check", action="store_true", help="compare with expected.npz")
    parser.add_argument("--input", metavar="DATA.npz", help="'raster' (sample, step, channels)")
    parser.add_argument("--save", metavar="RUN.npz", help="write what the outputs give")
    parser.add_argument(
        "--record-all",
        action="store_true",
        help="on a chip, record every population, not only those that the outputs need",
    )
    parser.add_argument("--other-version", action="store_true", help="accept another SDK version")
    parser.add_argument("--debug", action="store_true", help="the SDK's whole error message")
    family.arguments(parser)
    options = parser.parse_args()
    try:
        return work(family, options)
    except Stop as stop:
        print("deploy.py: %s" % stop, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("deploy.py: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        if options.debug:
            raise
        said = " ".join(str(error).split()) or "no reason given"
        who = family.SDK[0] if getattr(options, "begun", False) else "reading the bundle"
        print(
            "deploy.py: %s failed: %s: %s (--debug shows where)"
            % (who, type(error).__name__, shown(said)),
            file=sys.stderr,
        )
        return 2


def work(family, options):
    net = load(os.path.dirname(os.path.abspath(__file__)), family.NAME)
    given = {}
    if options.input:
        given = unpack(read_file(options.input, MOST_BYTES), shown(options.input))
    flat = raster_of(net, given, shown(options.input)) if given else None
    if options.input and flat is None:
        raise Stop("%s holds no array" % shown(options.input))
    labels = given.get("labels")
    if labels is not None and (labels.shape != (len(flat),) or labels.dtype.kind not in "iu"):
        raise Stop("%s: 'labels' must hold one whole number a sample" % shown(options.input))
    if options.save and not os.path.isdir(os.path.dirname(os.path.abspath(options.save))):
        raise Stop("%s cannot be written: there is no such folder" % shown(options.save))
    options.begun = True
    print(family.prepare(net, options), flush=True)
    only = getattr(family, "only", None)
    if only is not None:
        if options.check or options.input or options.save:
            raise Stop(only)
        print(only)
        return 0
    try:
        run_all(family, net, options, flat, labels)
    finally:
        if hasattr(family, "close"):
            family.close()
    return 0


def run_all(family, net, options, flat, labels):
    """The self-test where it is wanted, then the data."""

    def run(*what):
        return family.run(*what, options=options)

    if options.check or flat is None:
        test = net.expected["raster"].astype(np.int64)
        outputs, populations = execute(net, test.reshape(test.shape[0], test.shape[1], -1), run)
        if options.check:
            share = getattr(family, "SHARE", 0.0)
            spikes = compare(net, outputs, populations, share)
            if share:
                print("self-test: counts within %g %% of expected.npz" % (100 * share))
            else:
                print("self-test equals expected.npz: %d spikes" % spikes)
        else:
            total = sum(int(value.sum()) for value in populations.values())
            print("ran the self-test input: %d spikes (--check compares them)" % total)
    if flat is not None:
        outputs, populations = execute(net, flat, run)
        table = counts(outputs)
        print("ran %d samples of %d steps: %g counts" % (len(flat), flat.shape[1], table.sum()))
        if labels is not None:
            right = int(np.count_nonzero(decide(net, outputs) == labels))
            rule = net.manifest["contract"]["decode"]
            print("the decision (%s) is the label: %d of %d" % (rule, right, len(flat)))
    if options.save:
        save(options.save, net, outputs, populations, labels, family.where)
