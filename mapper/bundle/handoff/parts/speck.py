from mapper.bundle.handoff.parts.common import *  # replaced by that file's text in deploy.py

# ---- Speck: samna ----

import time

HOST = -1
RELAY = 127  # weight and threshold of a relay: one event in, one event out
LIMITS = {
    "weights": (-128, 127),
    "biases": (-(2**15), 2**15 - 1),
    "neurons_initial_value": (-(2**15), 2**15 - 1),
    "threshold_high": (0, 2**15 - 1),
    "threshold_low": (-(2**15), 0),
}
BOARDS = {
    "speck2e": ("Speck2eDevKit", "Speck2eTestBoard"),
    "speck2f": ("Speck2fDevKit", "Speck2fModuleDevKit"),
}  # samna's device_type_name of boards with the chip
SOURCES = {
    "speck2e": "BasicSourceNode_speck2e_event_speck2e_input_event",
    "speck2f": "BasicSourceNode_speck2f_event_input_event",
}
SINKS = {
    "speck2e": "BasicSinkNode_speck2e_event_output_event",
    "speck2f": "BasicSinkNode_speck2f_event_output_event",
}
SETTLE = 1.0  # seconds that a board takes for a configuration
POLL = 0.1  # seconds between looks for more events
LEAD = 0.2  # seconds from the start of the clock to the first step, to hand events over


class Family:
    """A SpeckConfiguration, always filled and validated before anything is sent.

    Without a board it runs in samna's specksim, which knows chains of populations that
    reset by subtraction and have no bias. Events go in and out with time stamps; all events
    of a step have the time at which the step begins.
    """

    NAME = "speck"
    SDK = ("samna", "0")
    SHARE = 0.1  # of a population's counts that a free order of events may change

    def arguments(self, parser):
        parser.add_argument("--apply", action="store_true", help="only configure the board")
        parser.add_argument("--device", metavar="NAME", help="which board: samna's name of it")

    def prepare(self, net, options):
        from importlib import import_module

        cores = cores_of(net)
        check_limits(cores)
        chip = net.manifest["device"]["name"]
        if chip not in BOARDS:
            raise Stop("no samna module for the chip %s" % shown(chip))
        board = options.apply or options.hardware
        data = board and not options.apply
        version = need_sdk(*self.SDK, options.other_version)
        try:
            samna = import_module("samna")
            module = import_module("samna." + chip)
            made = import_module("samna.%s.configuration" % chip).SpeckConfiguration()
        except ImportError as error:
            raise Stop("samna does not import: %s" % str(error).splitlines()[0]) from error
        watched = set(net.recorded(options)) if data else set(net.heard())
        for part in net.manifest["slices"]:
            # A copy is one too many for the host: it would count every spike twice.
            heard = part["population"] in watched and part["copy"] == 0
            cores[part["core"]]["monitor_enable"] = heard
        fill(made, cores, net, sensor=not data)
        valid, said = module.validate_configuration(made)
        if not valid:
            raise Stop("samna rejects the configuration: %s" % shown(said))
        line = "samna %s, %s: %d cores configured and valid" % (version, chip, len(cores))
        if board:
            self.board = Board(samna, module, chip, options.device)
            clock = net.manifest["contract"]["slow_clock_hz"]
            self.board.apply(made)
            if clock is not None:
                self.board.tick(clock, not data)
            self.where = "samna %s, %s on %s" % (version, chip, self.board.name)
            if data:
                self.engine = Chip(samna, chip, self.board, made, clock)
            else:
                self.only = "applied to %s; no data run" % self.board.name
            return line
        reason = no_chain(net)
        if reason is not None:
            self.only = "not applied (--apply does) and not run: specksim %s" % reason
            return line
        self.where = "samna %s, specksim" % version
        self.engine = Specksim(samna, net)
        return line + "; specksim runs it"

    def run(self, net, rasters, steps, read, options):
        if read:
            raise Stop("an output reads a membrane; only spikes come back")
        samples = len(next(iter(rasters.values())))
        names = net.recorded(options)
        spikes = {name: np.zeros((samples, steps, net.size(name)), np.int64) for name in names}
        late = 0
        for sample in range(samples):
            events = events_of(net, {name: raster[sample] for name, raster in rasters.items()})
            for name, step, place in self.engine.sample(net, events, steps, names):
                late += int(np.count_nonzero(step >= steps))
                np.add.at(spikes[name][sample], (np.minimum(step, steps - 1), place), 1)
        if late:
            print("%d spikes came after the last step and count as its spikes" % late)
        return spikes, {}

    def close(self):
        if hasattr(self, "board"):
            self.board.close()


def events_of(net, rasters):
    """Input events of a sample as (step, input, channel, y, x), by step; repeated for counts."""
    rows = []
    for number, (name, raster) in enumerate(rasters.items()):
        maps = raster.reshape((len(raster),) + map_of(net.shape(name)))
        at = np.argwhere(maps)
        at = np.repeat(at, maps[tuple(at.T)], axis=0)
        rows.append(np.insert(at, 1, number, axis=1))
    found = np.concatenate(rows)
    return found[np.argsort(found[:, 0], kind="stable")]


def entries_of(net):
    """Where the host sends: [(input, core, first channel, pool)], one for each core it feeds."""
    order = list(net.inputs)
    out = []
    for part in net.manifest["slices"]:
        for row in net.populations[part["population"]]["params"]["inputs"]:
            if row["source"] in net.inputs:
                out.append((order.index(row["source"]), part["core"], row["offset"], row["pool"]))
    links = {k["target"] for k in net.manifest["links"] if k["source"] == HOST}
    if links != {core for _, core, _, _ in out}:
        raise Stop("manifest.json is damaged: its links and inputs disagree")
    return out


class Board:
    """An open board of the chip. Raises Stop where it is not there, or not the only one."""

    def __init__(self, samna, module, chip, wanted):
        self.samna, self.module = samna, module
        devices = list(samna.device.get_all_devices())
        named, seen = {}, {}
        for device in devices:
            kind = str(device.device_type_name)
            if kind in BOARDS[chip]:
                named["%s:%d" % (kind, seen.get(kind, 0))] = device
                seen[kind] = seen.get(kind, 0) + 1
        there = ", ".join(map(shown, named)) or "none"
        if wanted is None and len(named) == 1:
            wanted = next(iter(named))
        if wanted is None:
            raise Stop("boards with a %s: %s; name one with --device" % (chip, there))
        low = wanted.lower() if ":" in wanted else wanted.lower() + ":0"
        match = [name for name in named if name.lower() == low]
        if not match:
            raise Stop("no board %s with a %s; there is: %s" % (shown(wanted), chip, there))
        self.name = match[0]
        self.handle = samna.device.open_device(named[self.name])
        if self.handle is None:
            raise Stop("the board %s cannot be opened" % shown(self.name))

    def apply(self, made):
        self.handle.get_model().apply_configuration(made)
        time.sleep(SETTLE)

    def tick(self, clock, running):
        """The slow clock, whose ticks add the biases."""
        inputs = self.handle.get_io_module()
        inputs.set_slow_clk(running)
        inputs.set_slow_clk_rate(round(clock))

    def close(self):
        self.samna.device.close_device(self.handle)


class Chip:
    """Samples on the board: each from the configured states, which are written again."""

    def __init__(self, samna, chip, board, made, clock):
        self.board, self.made, self.clock = board, made, clock
        self.spike = board.module.event.Spike
        self.source, self.sink = getattr(samna, SOURCES[chip])(), getattr(samna, SINKS[chip])()
        model = board.handle.get_model()
        self.graphs = [samna.graph.EventFilterGraph(), samna.graph.EventFilterGraph()]
        self.graphs[0].sequential([self.source, model.get_sink_node()])
        self.graphs[1].sequential([model.get_source_node(), self.sink])
        for graph in self.graphs:
            graph.start()
        self.fresh = True

    def sample(self, net, events, steps, names):
        tick = microseconds(net)
        if not self.fresh:
            self.board.apply(self.made)
        self.fresh = False
        entries, first = entries_of(net), round(LEAD * 1e6)
        sent = []
        for step, source, channel, y, x in events.tolist():
            for number, core, offset, pool in entries:
                if number == source:
                    spike = self.spike()
                    spike.layer = core
                    spike.feature = channel + offset
                    spike.y, spike.x = y // pool, x // pool
                    spike.timestamp = first + step * tick
                    sent.append(spike)
        self.sink.get_events()
        watch = self.board.handle.get_stop_watch()
        watch.reset()
        watch.start()
        self.source.write(sent)
        time.sleep(LEAD)
        if self.clock is not None:
            self.board.tick(self.clock, True)
        time.sleep(steps * tick * 1e-6)
        if self.clock is not None:
            self.board.tick(self.clock, False)
        found = drain(self.sink)
        watch.stop()
        return decoded(net, [e for e in found if isinstance(e, self.spike)], first, tick, names)


def drain(sink):
    """All events until none comes for two looks."""
    found, quiet = [], 0
    while quiet < 2:
        time.sleep(POLL)
        more = list(sink.get_events())
        found += more
        quiet = 0 if more else quiet + 1
    return found


def microseconds(net):
    """Length of a step."""
    semantics = net.manifest["semantics"]
    seconds = semantics.get("chip_dt") or semantics.get("file_dt") or 1e-3
    return max(1, round(float(seconds) * 1e6))


def decoded(net, events, first, tick, names):
    """Monitored events as (population, step, flat place), a core's part where it belongs."""
    parts = net.manifest["slices"]
    for part in parts:
        name = part["population"]
        if name not in names or part["copy"]:
            continue
        total, height, width = map_of(net.shape(name))
        low, high = part["box"][0]
        boxes = [s["box"][0] for s in parts if s["population"] == name]
        base = min(low, total - max(b - a for a, b in boxes))
        rows = np.array(
            [(e.timestamp, e.feature + base, e.y, e.x) for e in events if e.layer == part["core"]],
            np.int64,
        ).reshape(-1, 4)
        when, channel, y, x = rows.T
        if rows.size and (
            channel.min() < low or channel.max() >= high or y.max() >= height or x.max() >= width
        ):
            raise Stop("core %d sent spikes of neurons that it does not hold" % part["core"])
        yield name, np.maximum(when - first, 0) // tick, (channel * height + y) * width + x


def no_chain(net):
    """Why specksim cannot run the network, or None."""
    before = list(net.inputs)
    if len(before) != 1:
        return "takes one input"
    for name, row in net.populations.items():
        if [source["source"] for source in row["params"]["inputs"]] != before:
            return "runs chains only"
        if row["reset"] != "subtract":
            return "resets by subtraction only"
        if np.any(net.param(row, "bias")):
            return "knows no bias"
        if np.any(net.param(row, "v_init")):
            return "starts from zero only"
        before = [name]
    return None


class Specksim:
    """Samna's simulator of a chain of cores: populations whole, events one by one."""

    def __init__(self, samna, net):
        from importlib import import_module

        try:
            nodes = import_module("samna.specksim.nodes")
            self.spike = import_module("samna.specksim.events").Spike
        except ImportError as error:
            raise Stop("samna has no specksim: %s" % str(error).splitlines()[0]) from error
        self.source = samna.BasicSourceNode_specksim_events_spike()
        chain, self.layers, self.sinks = [self.source], {}, {}
        for name, row in net.populations.items():
            ends = row["params"]["inputs"]
            pool = int(ends[0]["pool"])
            if pool > 1:
                pooling = nodes.SpecksimSumPoolingFilterNode()
                pooling.set_parameters((pool, pool), map_of(net.shape(ends[0]["source"]))[1:])
                chain.append(pooling)
            channels, y, x = row["params"]["input_shape"]
            kernel = net.param(row, "kernel")
            top, _, left, _ = row["params"]["padding"]
            convolution = nodes.SpecksimConvolutionalFilterNode()
            convolution.set_parameters(
                int(channels),
                len(kernel),
                tuple(kernel.shape[2:]),
                (int(y), int(x)),
                tuple(row["params"]["stride"]),
                (top, left),
            )
            convolution.set_weights(kernel.astype(np.float64).tolist())
            fire = nodes.SpecksimIAFFilterNode()
            total, height, width = map_of(net.shape(name))
            high, low = net.param(row, "threshold_high"), net.param(row, "threshold_low")
            fire.set_parameters(total, (height, width), float(high), float(low))
            chain += [convolution, fire]
            self.layers[name] = fire
        self.graphs = [samna.graph.EventFilterGraph()]
        self.graphs[0].sequential(chain + [samna.BasicSinkNode_specksim_events_spike()])
        for name, fire in self.layers.items():
            graph = samna.graph.EventFilterGraph()
            self.sinks[name] = samna.BasicSinkNode_specksim_events_spike()
            graph.sequential([fire, self.sinks[name]])
            self.graphs.append(graph)

    def sample(self, net, events, steps, names):
        for fire in self.layers.values():
            fire.get_layer().reset_states()
        for graph in self.graphs:
            graph.start()
        # (feature, y, x, time); the time is handed through and counts steps here.
        self.source.write([self.spike(c, y, x, step) for step, _, c, y, x in events.tolist()])
        time.sleep(SETTLE)
        found = {name: drain(self.sinks[name]) for name in names}
        for graph in self.graphs:
            graph.stop()
        for name in names:
            _, height, width = map_of(net.shape(name))
            rows = [(e.timestamp, (e.feature * height + e.y) * width + e.x) for e in found[name]]
            step, place = np.array(rows, np.int64).reshape(-1, 2).T
            yield name, step, place


def map_of(shape):
    """(channels, y, x) of a population or input."""
    return (tuple(shape) + (1, 1))[:3]


def cores_of(net):
    """What each used core holds: {core: {field: value}}, plain Python numbers."""
    links = net.manifest["links"]
    cores = {}
    parts = [s for s in net.manifest["slices"]]
    for part in parts:
        name = part["population"]
        boxes = [s["box"][0] for s in parts if s["population"] == name]
        width = max(high - low for low, high in boxes)
        cores[part["core"]] = core_of(net, name, part["box"][0], width)
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


def core_of(net, name, channels, width):
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
        "monitor_enable": False,
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


def fill(made, cores, net, sensor=True):
    """The configuration's fields, in the order that samna wants them.

    sensor: let the chip's own sensor feed an entry `dvs`; not where recorded data run.
    """
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
    sensor = sensor and net.manifest["settings"].get("entry") == "dvs"
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
