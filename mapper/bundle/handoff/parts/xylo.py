from mapper.bundle.handoff.parts.common import *  # replaced by that file's text in deploy.py

# ---- Xylo: xylosim, and rockpool's XyloSamna for the chip ----

CHIPS = {"xylo-audio2": "syns61201", "xylo-audio3": "syns65302", "xylo-imu": "syns63300"}
WIDE = ("xylo-audio2",)  # chips whose every hidden neuron has input and output weights
WINDOW = 128  # hidden neurons with input weights, and with output weights, elsewhere
LIMITS = {
    "weights_in": (-128, 127),
    "weights_rec": (-128, 127),
    "weights_out": (-128, 127),
    "dash_mem": (0, 15),
    "dash_mem_out": (0, 15),
    "dash_syn": (1, 15),
    "dash_syn_2": (1, 15),
    "dash_syn_out": (1, 15),
    "threshold": (1, 32767),
    "threshold_out": (1, 32767),
    "bias": (-128, 127),
    "bias_out": (-128, 127),
    "weight_shift_in": (0, 7),
    "weight_shift_rec": (0, 7),
    "weight_shift_out": (0, 7),
}


class Family:
    """One matrix each for input, recurrence and output; the ids are the bundle's.

    The simulator is xylosim itself: rockpool 3.1.0 does not import its Xylo modules where
    samna is missing, and its XyloSim is a wrapper of the same class.
    """

    NAME = "xylo"
    SDK = ("xylosim", "0.1")
    CHIP_SDK = ("rockpool", "3.1")

    def arguments(self, parser):
        pass

    def prepare(self, net, options):
        chip = net.manifest["device"]["name"]
        spec = specification(net)
        check_limits(spec)
        if options.hardware:
            version = need_sdk(*self.CHIP_SDK, options.other_version)
            need_sdk("samna", "0", True)
            if any(row["read"] == "v" for row in net.manifest["outputs"]):
                raise Stop("an output reads a membrane; only spikes come back from the chip")
            self.board = Board(net, spec, chip)
            self.where = "rockpool %s, %s" % (version, chip)
            return "rockpool %s, %s: configured, %d hidden neurons" % (
                version,
                chip,
                len(spec["threshold"]),
            )
        version = need_sdk(*self.SDK, options.other_version)
        try:
            from xylosim import v2
        except ImportError as error:
            raise Stop("xylosim does not import: %s" % str(error).splitlines()[0]) from error
        self.core, self.spec = v2, spec
        self.where = "xylosim %s for %s" % (version, chip)
        return "xylosim %s for %s: %d hidden and %d output neurons" % (
            version,
            chip,
            len(spec["threshold"]),
            len(spec["threshold_out"]),
        )

    def run(self, net, rasters, steps, read, options):
        samples = len(next(iter(rasters.values())))
        events = np.zeros((samples, steps, net.manifest["pools"]["channels"]), np.int64)
        for name, raster in rasters.items():
            at = net.inputs[name]["offset"]
            events[:, :, at : at + raster.shape[2]] = raster
        for row in net.manifest["contract"]["constant_inputs"]:
            events[:, row["from_step"] :, row["channel"]] = row["count"]
        names = net.recorded(options)
        if options.hardware:
            params = [net.populations[name]["params"] for name in names]
            hidden = any(options.record_all or "output_ids" not in found for found in params)
            found = [self.board.evolve(raster, hidden) for raster in events]
        else:
            found = [simulate(self.core, self.spec, raster) for raster in events]
        pools = {key: np.array([run[key] for run in found]) for key in found[0]}
        spikes, membranes = {}, {}
        for name in names:
            row = net.populations[name]
            pool = "hidden" if "hidden_ids" in row["params"] else "output"
            ids = np.ravel(net.param(row, pool + "_ids"))
            if pool in pools and int(ids.max(initial=0)) < pools[pool].shape[2]:
                spikes[name] = pools[pool][:, :, ids]
            if "relay" in row["params"]:
                ends = np.ravel(net.param(row, "output_ids"))
                spikes["relay:" + name] = pools["output"][:, :, ends]
            if name in read:
                membranes[name] = pools[pool + " v"][:, :, ids]
        return spikes, membranes


def specification(net):
    """The arrays of rockpool's specification, all hidden neurons in every matrix.

    weights_in (channel, hidden, synapse), weights_rec (hidden, hidden, synapse), weights_out
    (hidden, output).
    """
    pools = net.manifest["pools"]
    hidden, outputs, channels = pools["hidden"], pools["outputs"], pools["channels"]
    count = 2 if any("weight_2" in row["params"] for row in net.projections) else 1
    spec = {
        "weights_in": np.zeros((channels, hidden, count), np.int64),
        "weights_rec": np.zeros((hidden, hidden, count), np.int64),
        "weights_out": np.zeros((hidden, outputs), np.int64),
    }
    for key in ("dash_mem", "dash_syn", "threshold", "bias"):
        spec[key] = np.zeros(hidden, np.int64)
        spec[key + "_out"] = np.zeros(outputs, np.int64)
    for row in net.populations.values():
        inner = "hidden_ids" in row["params"]
        ids = np.ravel(net.param(row, "hidden_ids" if inner else "output_ids"))
        for key in ("dash_mem", "dash_syn", "threshold", "bias"):
            spec[key if inner else key + "_out"][ids] = np.ravel(net.param(row, key))
        if "relay" in row["params"]:
            relay, ends = row["params"]["relay"], np.ravel(net.param(row, "output_ids"))
            spec["weights_out"][ids, ends] = relay["weight"]
            for key in ("dash_mem", "dash_syn", "threshold"):
                spec[key + "_out"][ends] = relay[key]
    for row in net.projections:
        place(net, row, spec)
    if count == 2:
        spec["dash_syn_2"] = spec["dash_syn"].copy()
    for key in ("weight_shift_in", "weight_shift_rec", "weight_shift_out"):
        spec[key] = int(pools[key])
    return spec


def place(net, row, spec):
    """A projection's weights where the ids of its source and target say."""
    target, source = net.populations[row["target"]], row["source"]
    first = net.param(row, "weight").astype(np.int64).T
    second = net.param(row, "weight_2")
    if "hidden_ids" not in target["params"]:
        rows = np.ravel(net.param(net.populations[source], "hidden_ids"))
        at = np.ix_(rows, np.ravel(net.param(target, "output_ids")))
        spec["weights_out"][at] += first
        return
    key = "weights_in"
    if net.is_bias(row):
        constant = net.manifest["contract"]["constant_inputs"]
        rows = [c["channel"] for c in constant if c["population"] == row["target"]]
    elif source in net.inputs:
        rows = net.inputs[source]["offset"] + np.arange(len(first))
    else:
        rows, key = np.ravel(net.param(net.populations[source], "hidden_ids")), "weights_rec"
    at = np.ix_(rows, np.ravel(net.param(target, "hidden_ids")))
    spec[key][at + (0,)] += first
    if second is not None:
        spec[key][at + (1,)] += second.astype(np.int64).T


def check_limits(spec):
    """Neither simulator nor rockpool checks what the chip holds. Raises Stop."""
    for key, (low, high) in LIMITS.items():
        found = np.asarray(spec.get(key, low))
        if not np.all((found >= low) & (found <= high)):
            raise Stop(
                "%s is %d..%d; %d..%d can be stored" % (key, found.min(), found.max(), low, high)
            )


def handed_over(spec, chip):
    """The arguments of the chip's config_from_specification.

    It reads `bias_hidden` where the simulator reads `bias`, and biases that are given, zeros
    too, switch the bias circuit on. Two chips hold windows: input weights of the lowest ids,
    output weights of the highest.
    """
    out = dict(spec)
    out["bias_hidden"] = out.pop("bias")
    if not (out["bias_hidden"].any() or out["bias_out"].any()):
        del out["bias_hidden"], out["bias_out"]
    if chip not in WIDE:
        fed = np.flatnonzero(out["weights_in"].any(axis=(0, 2)))
        heard = np.flatnonzero(out["weights_out"].any(axis=1))
        last = int(fed.max()) + 1 if fed.size else 1
        if chip == "xylo-imu":  # there rockpool's XyloSamna reads as many neurons as these
            last = max(last, min(WINDOW, len(out["threshold"])))
        out["weights_in"] = out["weights_in"][:, :last]
        out["weights_out"] = out["weights_out"][int(heard.min()) if heard.size else -1 :]
    out["aliases"] = None
    return out


def simulate(core, spec, raster):
    """Spikes and membranes of both pools for one sample, (step, neuron)."""
    keep = []  # the layer keeps bare pointers to these

    def lists(weights):
        out = []
        for row in weights:
            ends = zip(*np.nonzero(row))
            out.append([core.XyloSynapse(int(j), int(k), int(row[j, k])) for j, k in ends])
        keep.append(out)
        return out

    synapses = [spec["dash_syn"]] + ([spec["dash_syn_2"]] if "dash_syn_2" in spec else [])
    layer = core.XyloLayer(
        synapses_in=lists(spec["weights_in"]),
        synapses_rec=lists(spec["weights_rec"]),
        synapses_out=lists(spec["weights_out"][:, :, None]),
        aliases=[[] for _ in spec["threshold"]],
        threshold=spec["threshold"].tolist(),
        threshold_out=spec["threshold_out"].tolist(),
        weight_shift_inp=spec["weight_shift_in"],
        weight_shift_rec=spec["weight_shift_rec"],
        weight_shift_out=spec["weight_shift_out"],
        dash_mem=spec["dash_mem"].tolist(),
        dash_mem_out=spec["dash_mem_out"].tolist(),
        dash_syns=np.stack(synapses, axis=1).tolist(),
        dash_syns_out=spec["dash_syn_out"][:, None].tolist(),
        has_bias=bool(spec["bias"].any() or spec["bias_out"].any()),
        bias=spec["bias"].tolist(),
        bias_out=spec["bias_out"].tolist(),
        name="bundle",
    )
    out = np.array(layer.evolve(raster.tolist()))
    return {
        "output": out,
        "hidden": np.array(layer.rec_recurrent_spikes),
        "output v": np.array(layer.rec_v_mem_out).T,
        "hidden v": np.array(layer.rec_v_mem).T,
    }


class Board:
    """A configured chip. Nothing is sent to it before the configuration is found valid."""

    def __init__(self, net, spec, chip):
        from importlib import import_module

        try:
            xylo = import_module("rockpool.devices.xylo")
            module = import_module("rockpool.devices.xylo." + CHIPS[chip])
        except ImportError as error:
            raise Stop("rockpool does not import: %s" % str(error).splitlines()[0]) from error
        self.config = configured(module, spec, chip)
        self.quiet = None
        self.silent = net.manifest["contract"]["reset_between_samples"]
        if self.silent != "state":
            still = dict(spec)  # nothing drives a neuron but what its states still hold
            for key in ("weights_rec", "weights_out", "bias", "bias_out"):
                still[key] = np.zeros_like(spec[key])
            self.quiet = configured(module, still, chip)
        boards, modules, _ = xylo.find_xylo_hdks()
        at = [i for i, found in enumerate(modules) if found.__name__.find(CHIPS[chip]) >= 0]
        if not at:
            raise Stop("no board with a %s is connected" % chip)
        self.dt = float(net.manifest["semantics"].get("chip_dt") or 1e-3)
        self.module, self.board = module, boards[at[0]]
        self.device = module.XyloSamna(self.board, self.config, dt=self.dt)
        self.used = False

    def rest(self, channels):
        """Bring all states to 0.

        Where a chip has no reset, its states fall to 0 in the contract's number of steps if
        nothing drives them: neither events nor biases, nor spikes that go round in a loop. So
        the network is taken off the chip for these steps.
        """
        if self.silent == "state":
            self.device.reset_state()
        elif self.used:
            quiet = self.module.XyloSamna(self.board, self.quiet, dt=self.dt)
            quiet(np.zeros((int(self.silent), channels), np.int64))
            self.device = self.module.XyloSamna(self.board, self.config, dt=self.dt)
        self.used = True

    def evolve(self, raster, hidden):
        """One sample from rest.

        Hidden spikes come back only where all of a step's states are read, which is slow;
        rockpool's IMU reads those of the lowest ids alone.
        """
        self.rest(raster.shape[1])
        out, _, record = self.device(raster, record=hidden)
        found = {"output": np.asarray(out).reshape(len(raster), -1)}
        if hidden:
            found["hidden"] = np.asarray(record["Spikes"]).reshape(len(raster), -1)
        return found


def configured(module, spec, chip):
    """A configuration of the chip that samna found valid. Raises Stop."""
    config, valid, said = module.config_from_specification(**handed_over(spec, chip))
    if not valid:
        raise Stop("samna rejects the configuration: %s" % shown(said))
    return config


if __name__ == "__main__":
    sys.exit(main(Family()))
