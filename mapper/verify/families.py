"""What the checker knows of each family of chips: one value a family, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mapper.verify.case import Case
from mapper.verify.loihi2 import check_loihi2
from mapper.verify.placement import Layout
from mapper.verify.speck import check_speck, speck_weights
from mapper.verify.spinnaker2 import check_spinnaker2
from mapper.verify.stored import Reader, plain_weights
from mapper.verify.xylo import check_xylo, xylo_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """check: every limit of the family; layout: how its bundles lie on cores; weights: the
    stored weights of a projection in threshold units, for mapped.nir.
    """

    check: Callable[[Case], None]
    layout: Layout
    weights: Reader


FAMILIES: Mapping[str, Checker] = {
    "loihi2": Checker(
        check=check_loihi2,
        layout=Layout(helpers=("bias source",), placement="advisory", pools=False, copies=False),
        weights=plain_weights,
    ),
    "spinnaker2": Checker(
        check=check_spinnaker2,
        layout=Layout(
            helpers=("bias source", "input source"),
            placement="advisory",
            pools=False,
            copies=False,
        ),
        weights=plain_weights,
    ),
    "xylo": Checker(
        check=check_xylo,
        layout=Layout(helpers=(), placement="binding", pools=True, copies=False),
        weights=xylo_weights,
    ),
    "speck": Checker(
        check=check_speck,
        layout=Layout(helpers=("relay",), placement="binding", pools=False, copies=True),
        weights=speck_weights,
    ),
}
