"""Where rules are used: each member names a set of rules, and who calls them asks for it.

A rule says its stages in its own file. The sets are derived from that (`rules_of`): nobody
lists rules by name, so that a new file needs no second place. One set is ordered by the
rules' `after`.
"""

from __future__ import annotations

from enum import Enum


class Canonical(Enum):
    """Canonical form, by `normalise`: one linear path for each pair of source and target."""

    NODES = "removes nodes that cannot matter"
    WEIGHTS = "gives weights to paths into neurons that have none"
    PATHS = "copies linear nodes that lie on several paths"


class Normal(Enum):
    """Normal form of a path, by `normalise`.

    ANYWHERE is applied wherever it proposes. The others are tried where that leaves a path
    out of normal form, by what is out of place: the first proposal is taken, and if there is
    none, their refusals say why the path has no normal form.
    """

    ANYWHERE = "brings a path closer to its normal form"
    POOL = "a pooling is out of place, or padded, or overlapping"
    GROUPS = "a convolution with groups is left"
    DELAY = "a Delay is behind other nodes"
    CONVOLUTION = "two nodes with weights are left, one or both a convolution"
    MATRIX = "two nodes with weights are left, none a convolution"


class Alternative(Enum):
    """What a family's template needs before it is matched (`mapper.solving.family.Template`)."""

    POOLS = "poolings that the target does not do itself are moved into the weights"
    SCALE_AS_CONVOLUTION = "a Scale becomes a convolution"
    DENSE_AS_CONVOLUTION = "dense weights become a convolution"
    UNDILATED = "no dilation"
    EVEN_PADDING = "equal padding on opposite sides"
    SQUARE_KERNEL = "a square kernel"
    MATRIX = "the path becomes one matrix"


class Neuronal(Enum):
    """Neurons, by `mapper.solving.offer.alternatives`: until the family accepts one."""

    FORM = "another form of a neuron that the chip lacks"


Stage = Canonical | Normal | Alternative | Neuronal
