"""An advisory placement on the mesh: the slices of a Placed moved to nearer cores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.solving.offer.plans import Box, ProjectionForm
from mapper.solving.outcome import Placed, Slice
from mapper.solving.place import core_ids
from mapper.solving.solve.mesh import Arrangement, Mesh, arrange
from nir_io.graph import Conv2d


def arranged(placed: Placed) -> tuple[Placed, Arrangement | None]:
    """The same slices on cores that exchange packets over fewer hops.

    Placed where the cores have no mesh (Xylo, Speck): unchanged, None.
    """
    mesh = mesh_of(placed.question.profile, placed.question.settings.chips)
    if mesh is None or not placed.slices:
        return placed, None
    sends, reads = traffic(placed)
    found = arrange(sends, reads, mesh)
    ids = core_ids(placed.question.profile)
    slices = tuple(
        replace(s, chip=core // len(ids), core=ids[core % len(ids)])
        for s, core in zip(placed.slices, found.core, strict=False)
    )
    rest = found.core[len(slices) :]
    helpers = tuple(
        replace(h, chip=core // len(ids), core=ids[core % len(ids)])
        for h, core in zip(placed.helpers, rest, strict=True)
    )
    objectives = (*placed.objectives, ("packet hops a step", found.cost, found.bound))
    return replace(placed, slices=slices, helpers=helpers, objectives=objectives), found


def mesh_of(profile: Profile, chips: int) -> Mesh | None:
    """Sites and cores of the profile's mesh; None where it has none.

    SpiNNaker2: quads (list `quads`, 'x,y'), `pes_per_quad` PEs each, the last ones cut to
    `pes_per_chip`. Loihi 2: a grid of routers, `cores_per_router` cores each; which core
    sits at which router is not published, so cores are taken in order.
    """
    if "quads" in profile.lists:
        where = [tuple(int(c) for c in str(q).split(",")) for q in profile.lists["quads"].values]
        each = int(profile.limit("pes_per_quad").value)
    elif "routers_x" in profile.limits:
        wide, high = (int(profile.limit(k).value) for k in ("routers_x", "routers_y"))
        where = [(x, y) for x in range(wide) for y in range(high)]
        each = int(profile.limit("cores_per_router").value)
    else:
        return None
    per_chip = _per_chip(profile)
    cores = tuple(tuple(range(i * each, min((i + 1) * each, per_chip))) for i in range(len(where)))
    return Mesh(at=np.array(where, dtype=np.int64), cores=cores, chips=chips, per_chip=per_chip)


def _per_chip(profile: Profile) -> int:
    key = "pes_per_chip" if "quads" in profile.lists else "cores_per_chip"
    return int(profile.limit(key).value)


def traffic(placed: Placed) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(packets a step of each slice and helper, who reads whom), every neuron firing once."""
    slices, helpers = placed.slices, placed.helpers
    n = len(slices) + len(helpers)
    channels = sum(int(np.prod(shape)) for _, shape in placed.question.network.inputs)
    sources = sum(h.role == "input source" for h in helpers)
    each = [channels // sources if h.role == "input source" else 1 for h in helpers]
    sends = np.array([_volume(s.box) for s in slices] + each, dtype=np.int64)
    reads = np.zeros((n, n), dtype=bool)
    inputs = {name for name, _ in placed.question.network.inputs}
    by_name: dict[str, list[int]] = {}
    for i, s in enumerate(slices):
        by_name.setdefault(s.population, []).append(i)
    for population in placed.question.network.populations:
        form = placed.chosen[population.name].form
        for projection in form.projections:
            for i in by_name.get(projection.source, ()):
                for j in by_name[population.name]:
                    reads[i, j] |= _meets(slices[i], slices[j], projection)
        fed = any(p.source in inputs for p in form.projections)
        for k, helper in enumerate(helpers, len(slices)):
            if (form.neuron.bias == "source") if helper.role == "bias source" else fed:
                reads[k, by_name[population.name]] = True
    return sends, reads


def _volume(box: Box) -> int:
    return int(np.prod([b - a for a, b in box]))


def _meets(source: Slice, target: Slice, projection: ProjectionForm) -> bool:
    """Whether any neuron of `target` has a source in `source`; maps by their windows."""
    conv = projection.weight
    if not isinstance(conv, Conv2d) or len(source.box) != 3 or len(target.box) != 3:
        return True
    pool = projection.pool or (1, 1)
    for axis in (0, 1):
        low, high = target.box[axis + 1]
        reach = (conv.weight.shape[2 + axis] - 1) * conv.dilation[axis] + 1
        first = low * conv.stride[axis] - conv.padding[2 * axis]
        last = (high - 1) * conv.stride[axis] - conv.padding[2 * axis] + reach
        start, stop = source.box[axis + 1]
        if stop <= first * pool[axis] or start >= last * pool[axis]:
            return False
    return True
