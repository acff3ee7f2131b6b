from mapper.bundle.handoff.parts.common import *  # replaced by that file's text in deploy.py

# ---- Loihi 2: Lava ----


class Family:
    """Lava processes, one LIF or ATRLIF for each run of neurons with equal decays.

    Maps are fed in Lava's (x, y, channel) order; the bundle keeps C order. On the chip events
    pass Intel's adapters (lava-loihi), as in Lava's own lava/networks/gradedvecnetwork.py.
    """

    NAME = "loihi2"
    SDK = ("lava-nc", "0.10")

    def arguments(self, parser):
        parser.add_argument(
            "--slices", action="store_true", help="one process a slice, not a population"
        )

    def prepare(self, net, options):
        version = need_sdk(*self.SDK, options.other_version)
        self.lava = lava_names(options.hardware)
        if options.hardware and any(row["read"] == "v" for row in net.manifest["outputs"]):
            raise Stop("an output reads a membrane; only spikes come back from the chip")
        self.pieces = {name: pieces_of(net, name, options.slices) for name in net.populations}
        check_limits(net)
        total = sum(len(found) for found in self.pieces.values())
        where = "Loihi 2" if options.hardware else "its fixed-point simulation"
        self.where = "lava-nc %s, %s" % (version, where)
        return "lava-nc %s, %s: %d neuron processes for %d populations" % (
            version,
            where,
            total,
            len(self.pieces),
        )

    def run(self, net, rasters, steps, read, options):
        samples = len(next(iter(rasters.values())))
        names = net.recorded(options)
        built = Built(net, self.lava, self.pieces, steps, read, names, options.hardware)
        spikes = {name: np.zeros((samples, steps, net.size(name)), np.int64) for name in names}
        traces = {name: np.zeros((samples, steps, net.size(name)), np.int64) for name in read}
        try:
            for sample in range(samples):
                built.sample({name: raster[sample] for name, raster in rasters.items()})
                for name in names:
                    for number, index in enumerate(self.pieces[name]):
                        spikes[name][sample][:, index] = built.seen(name, number)
                        if name in traces:
                            traces[name][sample][:, index] = built.watched(name, number)
        finally:
            built.stop()
        return spikes, traces


def lava_names(hardware):
    """What is used of Lava, by name. Raises Stop where it does not import."""
    from importlib import import_module

    places = {
        "lava.magma.core.run_conditions": ("RunSteps",),
        "lava.magma.core.run_configs": ("Loihi2SimCfg", "Loihi2HwCfg"),
        "lava.proc.atrlif.process": ("ATRLIF",),
        "lava.proc.conv.process": ("Conv",),
        "lava.proc.dense.process": ("Dense", "DelayDense"),
        "lava.proc.lif.process": ("LIF",),
        "lava.proc.monitor.process": ("Monitor",),
        "lava.proc.sparse.process": ("Sparse", "DelaySparse"),
        "lava.utils.weightutils": ("SignMode",),
    }
    out = {}
    try:
        for module, names in places.items():
            found = import_module(module)
            out.update({name: getattr(found, name) for name in names})
        out["Sink"] = import_module("lava.proc.io.sink").RingBuffer
        out["Source"] = import_module("lava.proc.io.source").RingBuffer
    except (ImportError, AttributeError) as error:
        raise Stop("lava-nc does not import: %s" % str(error).splitlines()[0]) from error
    if hardware:
        try:
            out["adapters"] = import_module("lava.proc.embedded_io.spike")
        except ImportError as error:
            raise Stop("--hardware needs Intel's lava-loihi beside lava-nc: %s" % error) from error
    return out


def lava_order(shape):
    """C-order index of each neuron in Lava's order: (x, y, channel)."""
    index = np.arange(int(np.prod(shape, dtype=np.int64)))
    return index.reshape(shape).T.ravel() if len(shape) > 1 else index


def pieces_of(net, name, slices):
    """C-order indices of each process's neurons: of equal decays and, if asked, of one slice."""
    row = net.populations[name]
    shape, size = net.shape(name), net.size(name)
    keys = ("delta_i", "delta_v") if row["device_model"] == "ATRLIF" else ("du", "dv")
    marks = [net.each(row, key, size) for key in keys]
    convolved = any(
        p["form"] == "conv" and name in (p["source"], p["target"]) for p in net.projections
    )
    if slices and not convolved:  # a convolution reads and feeds whole maps
        number = np.zeros(size, np.int64)
        for i, part in enumerate(s for s in net.manifest["slices"] if s["population"] == name):
            box = part["box"]
            if len(box) == len(shape):
                where = number.reshape(shape)
                where[tuple(slice(low, high) for low, high in box)] = i
            else:
                number[box[0][0] : box[0][1]] = i
        marks.append(number)
    order = lava_order(shape)
    _, group = np.unique(np.stack(marks, axis=1)[order], axis=0, return_inverse=True)
    group = np.ravel(group)
    found = [order[group == g] for g in range(int(group.max()) + 1)]
    if convolved and len(found) > 1:
        raise Stop("%s: neurons of several decays beside a convolution" % shown(name))
    return found


LIMITS = {
    "du": (0, 4095),
    "dv": (0, 4095),
    "delta_i": (0, 4095),
    "delta_v": (0, 4095),
    "vth_mant": (0, 131071),
    "theta_0": (0, 131071),
    "bias_mant": (-4096, 4095),
    "bias_exp": (0, 7),
    "v_init": (-(2**23) + 1, 2**23 - 1),
    "exponent": (0, 7),
    "bits": (1, 8),
    "weight": (-256, 254),
    "kernel": (-256, 254),
}


def check_limits(net):
    """Lava clips and wraps in silence, so ranges are checked here. Raises Stop."""
    for row in list(net.manifest["populations"]) + list(net.projections):
        for key, (low, high) in LIMITS.items():
            if key not in row["params"]:
                continue
            found = np.asarray(net.param(row, key))
            inside = found.dtype.kind in "iu" and np.all((found >= low) & (found <= high))
            if not inside:
                name = shown(row.get("name", row.get("id")))
                raise Stop("%s: %s is outside %d..%d" % (name, key, low, high))
            if key in ("weight", "kernel") and np.any(found % 2):
                raise Stop("%s: odd weights, which Lava would round down" % shown(row["id"]))


class Built:
    """The processes of one network, and a running simulation of them."""

    def __init__(self, net, lava, pieces, steps, read, recorded, hardware):
        self.net, self.lava, self.pieces, self.steps = net, lava, pieces, steps
        self.hardware = hardware
        self.neurons, self.sinks, self.monitors, self.sources = {}, {}, {}, {}
        self.ports = {}  # where an input's events come out
        self.resets = []  # (variable, value) at the start of a sample
        self.started = False
        for i, (name, found) in enumerate(pieces.items()):
            for j, index in enumerate(found):
                process = self.neuron(name, index, "p%03d_%03d" % (i, j))
                self.neurons[name, j] = process
                if name in recorded:
                    self.sinks[name, j] = self.sink(process)
                if name in read:
                    monitor = lava["Monitor"]()
                    monitor.probe(process.v, steps)
                    self.monitors[name, j] = monitor
        for name in net.inputs:
            shape = self.frame(name)
            blank = np.zeros(shape + (steps,), np.int32)
            self.sources[name] = lava["Source"](data=blank)
            self.ports[name] = self.sources[name].s_out
            if hardware:
                adapter = lava["adapters"].PyToNxAdapter(shape=shape, num_message_bits=0)
                self.ports[name].connect(adapter.inp)
                self.ports[name] = adapter.out
        self.always = {}
        for i, row in enumerate(net.projections):
            self.connect(row, "c%03d" % i)

    def sink(self, process):
        """Records a process's spikes."""
        sink = self.lava["Sink"](shape=process.s_out.shape, buffer=self.steps)
        port = process.s_out
        if self.hardware:
            adapter = self.lava["adapters"].NxToPyAdapter(shape=port.shape, num_message_bits=0)
            port.connect(adapter.inp)
            port = adapter.out
        port.connect(sink.a_in)
        return sink

    def frame(self, name):
        """Shape of an input as Lava reads it: (x, y, channel) beside a convolution, else flat."""
        rows = [p for p in self.net.projections if p["source"] == name]
        convs = [p for p in rows if p["form"] == "conv"]
        if not convs:
            return (self.net.size(name),)
        c, y, x = convs[0]["params"]["input_shape"]
        return (x, y, c)

    def shape_of(self, name, index):
        """Shape of a population's process."""
        for row in self.net.projections:
            if row["form"] == "conv" and name in (row["source"], row["target"]):
                shape = self.net.shape(name)
                return tuple(reversed((tuple(shape) + (1, 1))[:3]))
        return (index.size,)

    def neuron(self, name, index, label):
        net, lava = self.net, self.lava
        row, size, shape = net.populations[name], net.size(name), self.shape_of(name, index)

        def part(key):
            return net.each(row, key, size)[index].reshape(shape).astype(np.int32)

        v = part("v_init")
        common = {
            "shape": shape,
            "bias_mant": part("bias_mant"),
            "bias_exp": np.full(shape, int(net.param(row, "bias_exp")), np.int32),
            "v": v,
            "name": label,
        }
        first = int(index[0])
        if row["device_model"] == "ATRLIF":
            leak = int(net.each(row, "delta_v", size)[first]) / 4096
            theta = int(net.param(row, "theta_0"))
            process = lava["ATRLIF"](
                delta_i=int(net.each(row, "delta_i", size)[first]) / 4096,
                delta_v=leak,
                delta_theta=0.0,
                delta_r=leak,
                theta_0=theta,
                theta=theta,
                theta_step=0,
                **common,
            )
            zero = np.zeros(shape, np.int32)
            self.resets += [(process.i, zero), (process.v, v), (process.r, zero)]
            return process
        if row["device_model"] != "LIF":
            raise Stop("no Lava process for the neuron %s" % shown(row["device_model"]))
        process = lava["LIF"](
            du=int(net.each(row, "du", size)[first]),
            dv=int(net.each(row, "dv", size)[first]),
            vth=int(net.param(row, "vth_mant")),
            **common,
        )
        self.resets += [(process.u, np.zeros(shape, np.int32)), (process.v, v)]
        return process

    def bias_neuron(self, first):
        """A neuron that fires in every step from `first` (0, 1, ...) on."""
        if first not in self.always:
            v = np.array([-first], np.int32)
            process = self.lava["LIF"](
                shape=(1,), du=4095, dv=0, vth=0, bias_mant=1, v=v, name="always%d" % first
            )
            self.resets += [(process.u, np.zeros(1, np.int32)), (process.v, v)]
            self.always[first] = process
        return self.always[first]

    def connect(self, row, label):
        net, lava = self.net, self.lava
        exponent, bits = int(net.param(row, "exponent")), int(net.param(row, "bits"))
        source, target = row["source"], row["target"]
        mixed = lava["SignMode"].MIXED
        if row["form"] == "conv":
            kernel = net.param(row, "kernel").astype(np.int32)
            kernel = np.ascontiguousarray(kernel.transpose(0, 3, 2, 1)[:, ::-1, ::-1])
            c, y, x = row["params"]["input_shape"]
            (sy, sx), (dy, dx) = row["params"]["stride"], row["params"]["dilation"]
            top, bottom, left, right = row["params"]["padding"]
            if (top, left) != (bottom, right):
                raise Stop("%s: Lava pads both sides alike" % shown(row["id"]))
            # The CPU's Conv reads no exponent: there it is multiplied in.
            process = lava["Conv"](
                weight=kernel if self.hardware else kernel * 2**exponent,
                weight_exp=exponent if self.hardware else 0,
                num_weight_bits=bits,
                input_shape=(x, y, c),
                stride=(sx, sy),
                padding=(left, top),
                dilation=(dx, dy),
                groups=1,
                name=label,
            )
            if not self.hardware:
                self.resets.append((process.a_buf, np.zeros(process.a_buf.shape, np.int32)))
            known = source in self.ports
            out = self.ports[source] if known else self.neurons[source, 0].s_out
            join(out, process.s_in)
            join(process.a_out, self.neurons[target, 0].a_in)
            return
        weight = net.param(row, "weight").astype(np.int64)
        delay = np.broadcast_to(net.value(row["delay"]), weight.shape[1:])
        if net.is_bias(row):
            ends = [(self.bias_neuron(int(row.get("from_step", 0))).s_out, np.arange(1))]
        elif source in self.ports:
            ends = [(self.ports[source], lava_order(net.shape(source)))]
        else:
            pieces = enumerate(self.pieces[source])
            ends = [(self.neurons[source, k].s_out, at) for k, at in pieces]
        for j, index in enumerate(self.pieces[target]):
            for k, (out, column) in enumerate(ends):
                part = weight[np.ix_(index, column)]
                if not part.any():
                    continue
                options = {
                    "weight_exp": exponent,
                    "num_weight_bits": bits,
                    "sign_mode": mixed,
                    "num_message_bits": 0,
                    "name": "%s_%03d_%03d" % (label, j, k),
                }
                steps = np.broadcast_to(delay[column], part.shape).astype(np.int64)
                process = self.connection(row["form"], part, steps, options)
                if not self.hardware:
                    self.resets.append((process.a_buff, np.zeros(process.a_buff.shape, np.int32)))
                join(out, process.s_in)
                join(process.a_out, self.neurons[target, j].a_in)

    def connection(self, form, weight, steps, options):
        if form == "diagonal":
            from scipy.sparse import csr_matrix  # comes with Lava

            if steps.any():
                steps = csr_matrix(np.where(weight != 0, steps, 0))
                return self.lava["DelaySparse"](weights=csr_matrix(weight), delays=steps, **options)
            return self.lava["Sparse"](weights=csr_matrix(weight), **options)
        if steps.any():
            return self.lava["DelayDense"](weights=weight, delays=steps, **options)
        return self.lava["Dense"](weights=weight, **options)

    def sample(self, rasters):
        """Run one sample from the initial state.

        On the chip events are under way in the axons, not in variables: there a silent run
        as long as the longest delay takes them out first.
        """
        if self.started and self.hardware:
            for source in self.sources.values():
                source.data.set(np.zeros(source.data.shape, np.int32))
            self.go()
        if self.started:
            for variable, value in self.resets:
                variable.set(value)
        for name, raster in rasters.items():
            shape = self.frame(name)
            data = raster[:, lava_order(self.net.shape(name))].T.astype(np.int32)
            data = np.ascontiguousarray(data.reshape(shape + (self.steps,)))
            if self.started:
                self.sources[name].data.set(data)
            else:
                self.sources[name].data.init = data
        self.go()

    def go(self):
        """Run as many steps as a sample has."""
        first = next(iter(self.neurons.values()))
        config = self.lava["Loihi2HwCfg" if self.hardware else "Loihi2SimCfg"]
        settings = config(select_tag="fixed_pt")
        self.started = True
        first.run(condition=self.lava["RunSteps"](num_steps=self.steps), run_cfg=settings)

    def seen(self, name, number):
        """Spikes (step, neuron of the piece) of the last sample."""
        data = np.asarray(self.sinks[name, number].data.get())
        return data.reshape(-1, self.steps).T.astype(np.int64)

    def watched(self, name, number):
        process = self.neurons[name, number]
        found = self.monitors[name, number].get_data()[process.name]["v"]
        return np.asarray(found).reshape(-1, self.pieces[name][number].size)[-self.steps :]

    def stop(self):
        if self.started:
            next(iter(self.neurons.values())).stop()


def join(source, target):
    """Connect two ports; maps are flat in memory order where a shape differs."""
    if tuple(source.shape) != tuple(target.shape):
        source = source.reshape(tuple(target.shape))
    source.connect(target)


if __name__ == "__main__":
    import logging

    logging.disable(logging.WARNING)
    sys.exit(main(Family()))
