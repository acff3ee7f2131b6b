from mapper.bundle.handoff.parts.common import *  # replaced by that file's text in deploy.py

# ---- SpiNNaker2: py-spinnaker2, its Brian2 backend or the chip ----

PROGRAMS = {
    # neuron_model: (largest weight, largest delay field)
    "lif": (15, 7),
    "lif_curr_exp": (15, 7),
    "lif_no_delay": (127, 0),
    "lif_curr_exp_no_delay": (127, 0),
    "lif_conv2d": (127, 0),
}
RESETS = {"zero": "reset_to_v_reset", "subtract": "reset_by_subtraction"}


class Family:
    """Populations and projections as the bundle has them, made anew for every sample.

    A step is a tick: index 0 of the data is tick 0 of the spike lists and of the record.
    """

    NAME = "spinnaker2"
    SDK = ("py-spinnaker2", "0")

    def arguments(self, parser):
        parser.add_argument("--eth-ip", metavar="ADDRESS", help="of the board, with --hardware")
        parser.add_argument("--stm-ip", metavar="ADDRESS", help="of a 48-chip board's controller")

    def prepare(self, net, options):
        from importlib import import_module

        check(net)
        if options.hardware and not options.eth_ip:
            raise Stop("--hardware needs the board's address: --eth-ip ADDRESS")
        self.chips = int(net.manifest["device"]["chips"])
        if options.hardware and self.chips > 1 and not options.stm_ip:
            raise Stop("the bundle is for %d chips: --hardware needs --stm-ip too" % self.chips)
        version = need_sdk(*self.SDK, options.other_version)
        try:
            self.snn = import_module("spinnaker2.snn")
            if options.hardware:
                self.backend = import_module("spinnaker2.hardware")
            else:
                self.backend = import_module("spinnaker2.brian2_sim")
        except ImportError as error:
            said = str(error).splitlines()[0]
            raise Stop("py-spinnaker2 does not import: %s" % said) from error
        where = "chip at %s" % shown(options.eth_ip) if options.hardware else "Brian2"
        self.where = "py-spinnaker2 %s, %s" % (version, where)
        return "py-spinnaker2 %s, %s: %d populations, %d projections" % (
            version,
            where,
            len(net.populations),
            len(net.projections),
        )

    def run(self, net, rasters, steps, read, options):
        samples = len(next(iter(rasters.values())))
        names = net.recorded(options)
        found = {name: np.zeros((samples, steps, net.size(name)), np.int64) for name in names}
        traces = {name: np.zeros((samples, steps, net.size(name))) for name in read}
        tick = net.manifest["semantics"].get("chip_dt") or 1e-3
        for sample in range(samples):
            events = {name: raster[sample] for name, raster in rasters.items()}
            network, populations = build(self.snn, net, events, steps, read, names)
            if options.hardware:
                board = self.board(options)
                board.run(network, steps, sys_tick_in_s=float(tick))
            else:
                self.backend.Brian2Backend().run(network, steps)
            for name in names:
                population = populations[name]
                for index, ticks in population.get_spikes().items():
                    at = np.asarray(ticks, np.int64)
                    np.add.at(found[name][sample], (at[at < steps], int(index)), 1)
                if name in read:
                    for index, values in population.get_voltages().items():
                        traces[name][sample][:, int(index)] = np.asarray(values)[:steps]
        return found, traces

    def board(self, options):
        if self.chips == 1:
            return self.backend.SpiNNaker2Chip(eth_ip=options.eth_ip)
        return self.backend.SpiNNcloud48NodeBoard(stm_ip=options.stm_ip, eth_ip=options.eth_ip)


def model_of(net, name):
    """The program of a population; convolutions have their own."""
    convolved = any(p["form"] == "conv" and p["target"] == name for p in net.projections)
    return "lif_conv2d" if convolved else net.populations[name]["device_model"]


def check(net):
    """Stop for what the SDK would take and read differently."""
    said = []
    for name, row in net.populations.items():
        model = model_of(net, name)
        if model not in PROGRAMS:
            said.append("%s: unknown program %s" % (shown(name), shown(model)))
            continue
        forms = {p["form"] == "conv" for p in net.projections if p["target"] == name}
        if len(forms) > 1:
            said.append("%s: convolutions and synapses into one population" % shown(name))
        if row["reset"] not in RESETS:
            said.append("%s: unknown reset %s" % (shown(name), shown(row["reset"])))
        for key in ("v_init", "v_reset"):
            if model == "lif_conv2d" and np.any(net.param(row, key, 0)):
                said.append("%s: lif_conv2d is not known to read %s" % (shown(name), key))
        if model.startswith("lif_curr_exp") != ("exc_decay" in row["params"]):
            said.append("%s: %s and its synaptic decays do not go together" % (shown(name), model))
    for row in net.projections:
        if row["target"] not in net.populations:
            said.append("%s goes nowhere" % shown(row["id"]))
            continue
        model = model_of(net, row["target"])
        most, longest = PROGRAMS.get(model, (127, 0))
        key = "kernel" if row["form"] == "conv" else "weight"
        weight = np.asarray(net.param(row, key))
        low = -128 if key == "kernel" else -most
        if weight.dtype.kind not in "iu" or weight.min() < low or weight.max() > most:
            said.append("%s: weights outside %d..%d would wrap" % (shown(row["id"]), low, most))
        delay = np.asarray(net.value(row["delay"]))
        if delay.min() < 0 or delay.max() > longest:
            said.append("%s: delays outside 0..%d" % (shown(row["id"]), longest))
        if key == "kernel" and np.any(np.asarray(row["params"].get("dilation", 1)) != 1):
            said.append("%s: dilation would be ignored" % shown(row["id"]))
    if said:
        raise Stop("; ".join(said))


def build(snn, net, events, steps, read, names):
    """The network for one sample, and its populations by the bundle's names."""
    network = snn.Network("bundle")
    ends = {}
    for i, (name, raster) in enumerate(events.items()):
        lists = {int(c): np.flatnonzero(raster[:, c]).tolist() for c in range(raster.shape[1])}
        ends[name] = snn.Population(
            size=raster.shape[1], neuron_model="spike_list", params=lists, name="in%03d" % i
        )
    populations = {}
    for i, (name, row) in enumerate(net.populations.items()):
        populations[name] = ends[name] = population(
            snn, net, name, row, "p%03d" % i, recorded(name, names, read)
        )
    always = {}
    for i, row in enumerate(net.projections):
        source = row["source"]
        if net.is_bias(row):
            first = int(row.get("from_step", 0))
            if first not in always:
                always[first] = snn.Population(
                    size=1,
                    neuron_model="spike_list",
                    params={0: list(range(first, steps))},
                    name="always%d" % first,
                )
            pre = always[first]
        else:
            pre = ends[source]
        made = projection(snn, net, row, pre, ends[row["target"]], "c%03d" % i)
        if made is not None:
            network.add(made)
    for end in list(ends.values()) + list(always.values()):
        network.add(end)
    return network, populations


def recorded(name, names, read):
    """What a population records; on the chip each word of it costs memory."""
    return ["spikes"] * (name in names) + ["v"] * (name in read)


def population(snn, net, name, row, label, record):
    size, model = net.size(name), model_of(net, name)
    keys = ["threshold", "alpha_decay", "i_offset"]
    if model != "lif_conv2d":
        keys += ["v_init", "v_reset"]
    if model.startswith("lif_curr_exp"):
        keys += ["exc_decay", "inh_decay"]
    params = {key: net.each(row, key, size, np.float32) for key in keys}
    params["reset"] = RESETS[row["reset"]]
    if model.startswith("lif_curr_exp"):
        params["t_refrac"] = 0
    made = snn.Population(size=size, neuron_model=model, params=params, name=label, record=record)
    shape = net.shape(name)
    boxes = [part["box"] for part in net.manifest["slices"] if part["population"] == name]
    whole = [box if len(box) == len(shape) else box[:1] for box in boxes]
    made.set_max_atoms_per_core(
        max(int(np.prod([high - low for low, high in box])) for box in whole)
    )
    return made


def projection(snn, net, row, pre, post, label):
    """A projection of the SDK; None where no weight is left (it takes no empty list)."""
    if row["form"] == "conv":
        shape = net.shape(row["source"])
        _, y, x = tuple(shape) + (1,) if len(shape) == 2 else shape
        (sy, sx), (py, px) = row["params"]["stride"], row["pool"] or (1, 1)
        top, bottom, left, right = row["params"]["padding"]
        params = {
            "in_height": y,
            "in_width": x,
            "stride_x": sx,
            "stride_y": sy,
            "pool_x": px,
            "pool_y": py,
            "pad_top": top,
            "pad_bottom": bottom,
            "pad_left": left,
            "pad_right": right,
        }
        kernel = np.ascontiguousarray(net.param(row, "kernel").transpose(1, 0, 2, 3))
        return snn.Conv2DProjection(
            pre=pre, post=post, weights=kernel.astype(np.int8), params=params, name=label
        )
    weight = net.param(row, "weight").astype(np.int64)
    delay = np.broadcast_to(net.value(row["delay"]), weight.shape[1:])
    rows = [[int(i), int(o), int(weight[o, i]), int(delay[i])] for o, i in zip(*np.nonzero(weight))]
    if not rows:
        return None
    return snn.Projection(pre=pre, post=post, connections=rows, name=label)


if __name__ == "__main__":
    sys.exit(main(Family()))
