"""Fields of a stored node, checked one by one, as a draft.

Fields that older versions of nir did not write have defaults: v_reset 0 (before 1.0.5),
w_in 1, and the bias of a convolution 0. A field that the primitive does not have is
refused by name: an adaptation that is left out would be another network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nir_io.drafts import Conv, Dense, Draft, Flat, Pool, Same
from nir_io.graph import Array
from nir_io.raw import Field, RawNode, Report, printable

PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Scale": ("scale",),
        "Delay": ("delay",),
        "Threshold": ("threshold",),
        "I": ("r",),
        "IF": ("r", "v_threshold", "v_reset"),
        "LI": ("tau", "r", "v_leak"),
        "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
        "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
        "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "w_in", "v_threshold", "v_reset"),
    }
)
DEFAULTS: Mapping[str, float] = MappingProxyType({"v_reset": 0.0, "w_in": 1.0})
POSITIVE = ("tau", "tau_syn", "tau_mem")
MOST_AXES = 8  # of any shape in a file
CONV = ("input_shape", "weight", "bias", "stride", "padding", "dilation", "groups")
POOL = ("kernel_size", "stride", "padding")
FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **PARAMETERS,
        "Input": ("shape",),
        "Output": ("shape",),
        "Linear": ("weight",),
        "Affine": ("weight", "bias"),
        "Conv1d": CONV,
        "Conv2d": CONV,
        "SumPool2d": POOL,
        "AvgPool2d": POOL,
        "Flatten": ("input_type", "start_dim", "end_dim"),
    }
)


def draft(node: RawNode, report: Report) -> Draft | None:
    """`node` as a draft; None, with findings, if a field is wrong."""
    return _Fields(_without_leak(node, report), report).draft()


def _without_leak(node: RawNode, report: Report) -> RawNode:
    """A LIF of infinite tau and r, which is how snnTorch exports beta = 1, as the IF that it is.

    snnTorch writes tau = dt / (1 - beta) and r = tau / dt: both infinite, and dt / tau r = 1.
    """
    kind = {"LIF": "IF", "LI": "I"}.get(node.kind)
    tau, r, leak = (node.fields.get(name) for name in ("tau", "r", "v_leak"))
    if kind is None or not isinstance(tau, np.ndarray) or not isinstance(r, np.ndarray):
        return node
    still = not isinstance(leak, np.ndarray) or not leak.any()
    if not still or not (np.isposinf(tau).all() and np.isposinf(r).all()):
        return node
    report.mend(
        node.where,
        "tau and r are infinite: a neuron without a leak, as snnTorch writes beta = 1; export it as "
        f"{kind}",
        f"becomes an {kind} that adds its input as it is",
    )
    fields = {name: node.fields[name] for name in PARAMETERS[kind] if name in node.fields}
    return replace(node, kind=kind, fields={**fields, "r": np.ones(np.broadcast(tau, r).shape)})


class _Fields:
    """One node's fields; every method adds findings and returns None on a fault."""

    def __init__(self, node: RawNode, report: Report) -> None:
        self.node = node
        self.report = report
        self.count = len(report.findings)

    def draft(self) -> Draft | None:
        known = FIELDS[self.node.kind]
        for field in self.node.fields:
            if field not in known:
                self.find(
                    printable(field),
                    f"{self.node.kind} has no such field; there are: {', '.join(known)}. "
                    "Ignoring it might change the network; remove it or use what NIR has",
                )
        found = self._made()
        return found if len(self.report.findings) == self.count and not self.node.broken else None

    def _made(self) -> Draft | None:
        kind = self.node.kind
        if kind in PARAMETERS:
            return self.parameters(PARAMETERS[kind])
        if kind in ("Input", "Output"):
            return self.port()
        if kind in ("Linear", "Affine"):
            return self.dense()
        if kind in ("Conv1d", "Conv2d"):
            return self.conv(1 if kind == "Conv1d" else 2)
        if kind == "Flatten":
            return self.flatten()
        return self.pool()

    def find(self, field: str, text: str) -> None:
        """Add a finding about one field."""
        self.report.find(f"{self.node.where}/{field}", text)

    def array(self, field: str, default: float | None = None) -> Array | None:
        """An array; one that is not finite is returned all the same, for further checks."""
        value: Field | None = self.node.fields.get(field)
        if value is None:
            if default is not None:
                return np.asarray(default, dtype=np.float64)
            if field not in self.node.broken:
                needs = [name for name in FIELDS[self.node.kind] if name != "input_shape"]
                self.find(field, f"is missing; {self.node.kind} has {', '.join(needs)}")
            return None
        if isinstance(value, str):
            self.find(field, f"is the text '{printable(value)}'; expected numbers")
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(value.sum()) or np.isfinite(value).all():
                return value
        wrong = np.argwhere(~np.isfinite(value))
        place = tuple(int(side) for side in wrong[0])
        self.find(
            field,
            f"{len(wrong)} of {value.size} values {'is' if len(wrong) == 1 else 'are'} not finite "
            f"({value[place]} at {place}); expected numbers",
        )
        return value

    def refuse(self, field: str, values: Array, wrong: NDArray[np.bool_], what: str) -> None:
        """Add a finding if any value is `wrong`, with the least one."""
        if not wrong.any():
            return
        worst = np.unravel_index(int(np.nanargmin(values)), values.shape)
        place = f" at {tuple(int(side) for side in worst)}" if worst else ""
        count = int(wrong.sum())
        verb = "is" if count == 1 else "are"
        self.find(
            field,
            f"{count} of {values.size} values {verb} {what} (least: {np.nanmin(values)}{place})",
        )

    def parameters(self, names: tuple[str, ...]) -> Draft | None:
        """Neurons, Scale, Delay, Threshold: arrays of one shape, or without axes."""
        arrays: dict[str, Array] = {}
        for name in names:
            values = self.array(name, DEFAULTS.get(name))
            if values is not None:
                arrays[name] = values
        for name, values in arrays.items():
            if name in POSITIVE:
                self.refuse(name, values, values <= 0, "not positive; a time constant must be > 0")
            elif name == "delay":
                self.refuse(name, values, values < 0, "negative; a delay must be >= 0")
        shapes = {name: values.shape for name, values in arrays.items() if values.shape}
        if len(set(shapes.values())) > 1:
            told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            self.report.find(self.node.where, f"its parameters differ in shape: {told}")
            return None
        if len(arrays) < len(names):
            return None
        return Same(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            arrays=arrays,
            shape=next(iter(shapes.values()), None),
        )

    def port(self) -> Draft | None:
        """Input and Output. One that was added by a repair has no fields at all."""
        shape = None
        if self.node.fields or self.node.broken:
            shape = self.integers("shape", None, 1)
            if shape is None:
                return None
        return Same(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            arrays={},
            shape=shape,
        )

    def integers(self, field: str, count: int | None, least: int | None) -> tuple[int, ...] | None:
        """Whole numbers, `count` of them (one stands for all), none less than `least`."""
        values = self.array(field)
        if values is None:
            return None
        if values.ndim > 1 or values.size > MOST_AXES:
            self.find(field, f"has shape {values.shape}; expected up to {MOST_AXES} numbers")
            return None
        if not np.isfinite(values).all():
            return None
        if (values != np.floor(values)).any():
            self.find(field, f"is {values.tolist()}; expected whole numbers")
            return None
        numbers = tuple(int(value) for value in np.atleast_1d(values))
        if count is not None and len(numbers) == 1:
            numbers *= count
        if count is not None and len(numbers) != count:
            self.find(field, f"is {numbers}; {self.node.kind} needs {count} numbers")
            return None
        if least is not None and min(numbers) < least:
            self.find(field, f"is {numbers}; expected at least {least}")
            return None
        return numbers

    def weight(self, axes: int, order: str) -> Array | None:
        """Weights with the given number of axes."""
        values = self.array("weight")
        if values is not None and values.ndim != axes:
            self.find("weight", f"has shape {values.shape}; expected {axes} axes: {order}")
            return None
        return values

    def bias(self, outs: int | None, default: float | None = None) -> Array | None:
        """A bias per output, or one for all."""
        values = self.array("bias", default)
        if values is not None and outs is not None and values.shape not in ((outs,), ()):
            self.find("bias", f"has shape {values.shape}; the weights have {outs} outputs")
            return None
        return values

    def dense(self) -> Draft | None:
        """Linear and Affine."""
        weight = self.weight(2, "(out, in)")
        affine = self.node.kind == "Affine"
        bias = self.bias(None if weight is None else weight.shape[0]) if affine else None
        if weight is None or (affine and bias is None):
            return None
        return Dense(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            weight=weight,
            bias=bias,
        )

    def conv(self, axes: int) -> Draft | None:
        """Conv1d and Conv2d."""
        kernel = ("kernel",) if axes == 1 else ("kernel_y", "kernel_x")
        weight = self.weight(2 + axes, f"({', '.join(('out', 'in / groups', *kernel))})")
        outs = None if weight is None else weight.shape[0]
        bias = self.bias(outs, 0.0)
        if "bias" not in self.node.fields and "bias" not in self.node.broken:
            self.report.note(f"'{self.node.name}' has no bias in the file; 0 is taken")
        stride = self.integers("stride", axes, 1)
        dilation = self.integers("dilation", axes, 1)
        groups = self.integers("groups", 1, 1)
        given = "input_shape" in self.node.fields
        size = self.sides(axes) if given else None
        if groups and outs is not None and outs % groups[0]:
            self.find("groups", f"is {groups[0]}, which does not divide the {outs} outputs")
            return None
        padding = self.padding(axes, None if weight is None else weight.shape[2:], stride, dilation)
        if weight is None or bias is None or stride is None or dilation is None:
            return None
        if padding is None or groups is None or (given and size is None):
            return None
        return Conv(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            weight=weight,
            bias=bias,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups[0],
            size=size,
        )

    def sides(self, axes: int) -> tuple[int, ...] | None:
        """The declared size of the image; a bare number stands for all sides, a list not."""
        given = self.node.fields["input_shape"]
        bare = not isinstance(given, str) and not given.shape
        found = self.integers("input_shape", axes if bare else None, 1)
        if found is not None and len(found) != axes:
            self.find(
                "input_shape",
                f"is {found}; {self.node.kind} needs {axes} numbers, the image without channels",
            )
            return None
        return found

    def padding(
        self,
        axes: int,
        kernel: tuple[int, ...] | None,
        stride: tuple[int, ...] | None,
        dilation: tuple[int, ...] | None,
    ) -> tuple[tuple[int, int], ...] | None:
        """(before, after) per axis. 'same' puts an odd zero at the end, as torch does."""
        text = self.node.fields.get("padding")
        if not isinstance(text, str):
            sides = self.integers("padding", axes, 0)
            return None if sides is None else tuple((side, side) for side in sides)
        if text == "valid":
            return ((0, 0),) * axes
        if text != "same":
            self.find("padding", f"is '{printable(text)}'; expected 'same', 'valid' or numbers")
            return None
        if kernel is None or stride is None or dilation is None:
            return None
        if any(step != 1 for step in stride):
            self.find("padding", f"is 'same' with stride {stride}; that needs stride 1, or numbers")
            return None
        spans = tuple(gap * (length - 1) for gap, length in zip(dilation, kernel, strict=True))
        return tuple((span // 2, span - span // 2) for span in spans)

    def pool(self) -> Draft | None:
        """SumPool2d and AvgPool2d."""
        kernel = self.integers("kernel_size", 2, 1)
        stride = self.integers("stride", 2, 1)
        padding = self.integers("padding", 2, 0)
        if kernel is None or stride is None or padding is None:
            return None
        if any(pad >= side for pad, side in zip(padding, kernel, strict=True)):
            self.find("padding", f"is {padding}, not less than the window {kernel}")
            return None
        return Pool(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            kernel_size=(kernel[0], kernel[1]),
            stride=(stride[0], stride[1]),
            padding=(padding[0], padding[1]),
        )

    def flatten(self) -> Draft | None:
        """Flatten."""
        start = self.integers("start_dim", 1, None)
        end = self.integers("end_dim", 1, None)
        declared = "input_type" in self.node.fields
        shape = self.integers("input_type", None, None) if declared else None
        if shape is not None and min(shape) < 1:
            self.report.mend(
                f"{self.node.where}/input_type",
                f"is {shape}, which is no shape",
                "takes the shape of what comes before",
            )
            shape, declared = None, False
        if start is None or end is None or (declared and shape is None):
            return None
        return Flat(
            name=self.node.name,
            where=self.node.where,
            kind=self.node.kind,
            start_dim=start[0],
            end_dim=end[0],
            shape=shape,
        )
