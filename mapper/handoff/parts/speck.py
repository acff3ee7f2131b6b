from mapper.handoff.parts.common import *  # replaced by that file's text in deploy.py

# ---- Speck: samna ----

HOST = -1
RELAY = 127  # weight and threshold of a relay: one event in, one event out
LIMITS = {
    "weights": (-128, 127),
    "biases": (-(2**15), 2**15 - 1),
    "neurons_initial_value": (-(2**15), 2**15 - 1),
    "threshold_high": (0, 2**15 - 1),
    "threshold_low": (-(2**15), 0),
}


class Family:
    """A SpeckConfiguration: filled and validated; sent to a board only with --apply."""

    NAME = "speck"
    RUNS = False
    SDK = ("samna", "0")

    def arguments(self, parser):
        parser.add_argument("--apply", action="store_true", help="configure a board")
        parser.add_argument("--device", metavar="NAME", help="samna's name of the board")

    def prepare(self, net, options):
        from importlib import import_module

        cores = cores_of(net)
        check_limits(cores)
        apply = options.apply or options.hardware
        if options.check or options.input:
            raise Stop("this hand-off configures the chip and runs no data")
        if apply and not options.device:
            raise Stop("--apply needs the board's name: --device NAME")
        version = need_sdk(*self.SDK, options.other_version)
        chip = net.manifest["device"]["name"]
        if chip not in ("speck2e", "speck2f"):
            raise Stop("no samna module for the chip %s" % shown(chip))
        try:
            samna = import_module("samna")
            module = import_module("samna." + chip)
            made = import_module("samna.%s.configuration" % chip).SpeckConfiguration()
        except ImportError as error:
            raise Stop("samna does not import: %s" % str(error).splitlines()[0]) from error
        fill(made, cores, net)
        valid, said = module.validate_configuration(made)
        if not valid:
            raise Stop("samna rejects the configuration: %s" % shown(said))
        if apply:
            board = samna.device.open_device(options.device)
            clock = net.manifest["contract"]["slow_clock_hz"]
            if clock is not None:
                board.get_io_module().set_slow_clk_rate(round(clock))
                board.get_io_module().set_slow_clk(True)
            board.get_model().apply_configuration(made)
        done = "applied" if apply else "valid, not applied (--apply does)"
        return "samna %s, %s: %d cores configured: %s" % (version, chip, len(cores), done)


def map_of(shape):
    """(channels, y, x) of a population or input."""
    if len(shape) == 2:
        return shape[0], 1, shape[1]
    return tuple(shape) if len(shape) == 3 else (shape[0], 1, 1)


def cores_of(net):
    """What each used core holds: {core: {field: value}}, plain Python numbers."""
    links = net.manifest["links"]
    read = {row["population"] for row in net.manifest["outputs"] if row["population"]}
    for stage in net.manifest["host"]:
        read |= {path["source"] for path in stage["paths"]}
    cores = {}
    parts = [s for s in net.manifest["slices"]]
    for part in parts:
        name = part["population"]
        boxes = [s["box"][0] for s in parts if s["population"] == name]
        width = max(high - low for low, high in boxes)
        # A copy is one too many for the host: it would count every spike twice.
        heard = name in read and part["copy"] == 0
        cores[part["core"]] = core_of(net, name, part["box"][0], width, heard)
    relays = {h["core"]: h["population"] for h in net.manifest["helpers"] if h["role"] == "relay"}
    sent = {part["core"]: (part["population"], 1) for part in parts}
    waiting = dict(relays)
    while waiting:
        before = len(waiting)
        for link in links:
            if link["target"] in waiting and link["source"] in sent:
                name, pool = sent[link["source"]]
                pool *= link["pool"]
                sent[link["target"]] = (name, pool)
                cores[link["target"]] = relay_of(net, waiting.pop(link["target"]), pool)
        if len(waiting) == before:
            raise Stop("%d relay cores are reached by no link" % before)
    for core, values in cores.items():
        values["destinations"] = [
            {
                "port": link["port"],
                "layer": link["target"],
                "pooling": link["pool"],
                "feature_shift": link["shift"],
            }
            for link in links
            if link["source"] == core
        ]
        if {d["port"] for d in values["destinations"]} - {0, 1}:
            raise Stop("core %d has more than two destinations" % core)
    return cores


def dimensions(shape_in, shape_out, kernel, stride, padding):
    """As samna names them; shapes are (channels, y, x), the others (y, x)."""

    def vector(pair):
        return {"x": int(pair[1]), "y": int(pair[0])}

    return {
        "input_shape": {"feature_count": int(shape_in[0]), "size": vector(shape_in[1:])},
        "output_shape": {"feature_count": int(shape_out[0]), "size": vector(shape_out[1:])},
        "kernel_size": int(kernel),
        "stride": vector(stride),
        "padding": vector(padding),
    }


def core_of(net, name, channels, width, heard):
    """A part of a population: `width` channels, those that another part holds are silent."""
    row = net.populations[name]
    total, y, x = map_of(net.shape(name))
    low, high = channels
    base = min(low, total - width)
    own = np.zeros(width, bool)
    own[low - base : high - base] = True
    kernel = net.param(row, "kernel").astype(np.int64)[base : base + width]
    kernel[~own] = 0
    bias = net.each(row, "bias", total)[base : base + width] * own
    initial = net.each(row, "v_init", total)[base : base + width] * own
    top, bottom, left, right = row["params"]["padding"]
    if kernel.shape[2] != kernel.shape[3] or (top, left) != (bottom, right):
        raise Stop("%s: kernels are square and padded alike on both sides" % shown(name))
    return {
        "dimensions": dimensions(
            row["params"]["input_shape"],
            (width, y, x),
            kernel.shape[2],
            row["params"]["stride"],
            (top, left),
        ),
        "weights": kernel.transpose(0, 1, 3, 2).tolist(),  # [out][in][x][y]
        "biases": bias.tolist(),
        "neurons_initial_value": np.broadcast_to(initial[:, None, None], (width, x, y)).tolist(),
        "threshold_high": int(net.param(row, "threshold_high")),
        "threshold_low": int(net.param(row, "threshold_low")),
        "return_to_zero": row["reset"] == "zero",
        "leak_enable": bool(bias.any()),
        "leak_internal_slow_clk_enable": bool(bias.any()),
        "monitor_enable": heard,
    }


def relay_of(net, name, pool):
    """A core that repeats each event of a population's map, pooled on the way here."""
    channels, y, x = map_of(net.shape(name))
    shape = (channels, y // pool, x // pool)
    weights = (np.eye(channels, dtype=np.int64) * RELAY)[:, :, None, None]
    return {
        "dimensions": dimensions(shape, shape, 1, (1, 1), (0, 0)),
        "weights": weights.tolist(),
        "biases": [0] * channels,
        "neurons_initial_value": np.zeros((channels, shape[2], shape[1]), int).tolist(),
        "threshold_high": RELAY,
        "threshold_low": -1,
        "return_to_zero": False,
        "leak_enable": False,
        "leak_internal_slow_clk_enable": False,
        "monitor_enable": False,
    }


def check_limits(cores):
    for core, values in cores.items():
        for key, (low, high) in LIMITS.items():
            found = np.asarray(values[key])
            if found.min() < low or found.max() > high:
                raise Stop("core %d: %s is outside %d..%d" % (core, key, low, high))


def fill(made, cores, net):
    """The configuration's fields, in the order that samna wants them."""
    for core, values in sorted(cores.items()):
        layer = made.cnn_layers[core]
        for key in (
            "dimensions",
            "weights",
            "biases",
            "neurons_initial_value",
            "threshold_high",
            "threshold_low",
            "return_to_zero",
            "leak_enable",
            "leak_internal_slow_clk_enable",
            "monitor_enable",
        ):
            setattr(layer, key, values[key])
        for row in values["destinations"]:
            end = layer.destinations[row["port"]]
            end.layer = row["layer"]
            end.pooling = row["pooling"]
            end.feature_shift = row["feature_shift"]
            end.enable = True
    sensor = net.manifest["settings"].get("entry") == "dvs"
    made.dvs_layer.pass_sensor_events = sensor
    if not sensor:
        return
    if len(net.inputs) != 1:
        raise Stop("the sensor is one input; the network has %d" % len(net.inputs))
    channels, y, x = map_of(net.shape(next(iter(net.inputs))))
    made.dvs_layer.merge = channels == 1
    made.dvs_layer.origin.x, made.dvs_layer.origin.y = 0, 0
    made.dvs_layer.cut.x, made.dvs_layer.cut.y = x - 1, y - 1  # inclusive
    for link in net.manifest["links"]:
        if link["source"] == HOST:
            made.dvs_layer.destinations[link["port"]].layer = link["target"]
            made.dvs_layer.destinations[link["port"]].enable = True


if __name__ == "__main__":
    sys.exit(main(Family()))
