"""Every setting has a value and an origin, and what cannot be known is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nir_io.errors import BadInput
from nir_io.graph import IF, LI, LIF, Delay, Graph, Input, Threshold, make_graph
from nir_io.presets import PRESETS
from nir_io.resolve import resolve
from nir_io.semantics import Semantics, per_step
from nir_io.settings import CHOICES, SETTINGS
from nir_io.suspicions import time_constants, warnings
from rewrite_rules.dynamics import discretise
from tests.nir_io.nets import full, make_cuba, make_if, make_lif, net, shaped


def origins(found: Semantics) -> dict[str, str]:
    return dict(found.origins)


def refused(graph: Graph, **options: Any) -> str:
    with pytest.raises(BadInput) as error:
        resolve(graph, **options)
    return "\n".join(error.value.findings)


# ---- where a setting comes from


def test_each_place_goes_before_the_next(tmp_path: Path) -> None:
    tau = 1e-4 / (1 - 0.9)
    exporter = net(make_lif(tau=tau, r=tau / 1e-4))
    sidecar = {"*.nir": {"reset": "subtract", "comparison": ">=", "steps": 7}}
    stored = net(*exporter.of_kind(LIF), metadata={"dt": 2e-4, "reset": "zero", "steps": 3})
    asked: dict[str, Any] = {"sidecar": sidecar, "path": tmp_path / "a.nir"}

    found = resolve(exporter, overrides={"reset": "zero"})
    assert (found.file_dt, found.reset, found.comparison) == (1e-4, "zero", ">")
    assert origins(found)["file_dt"] == origins(found)["comparison"] == "exporter"
    assert origins(found)["reset"] == "option"

    found = resolve(stored)
    assert (found.file_dt, found.reset, found.steps) == (2e-4, "zero", 3)
    assert origins(found)["file_dt"] == origins(found)["reset"] == "metadata"

    found = resolve(stored, **asked)
    assert (found.reset, found.comparison, found.steps) == ("subtract", ">=", 7)
    assert origins(found)["reset"] == "sidecar" and origins(found)["file_dt"] == "metadata"

    found = resolve(stored, preset="norse", overrides={"--file-dt": "5e-4"}, **asked)
    assert (found.file_dt, found.reset, found.comparison) == (5e-4, "zero", ">")
    assert origins(found)["file_dt"] == origins(found)["reset"] == "option"
    assert found.steps == 7 and origins(found)["input_kind"] == "default"


def test_a_sidecar_may_name_a_preset_and_differ_from_it(tmp_path: Path) -> None:
    sidecar = {"a.nir": {"semantics": "norse", "reset": "subtract"}}
    found = resolve(net(make_lif()), sidecar=sidecar, path="somewhere/a.nir")
    assert (found.file_dt, found.reset, found.comparison) == (1e-3, "subtract", ">")
    assert origins(found)["file_dt"] == origins(found)["reset"] == "sidecar"


def test_every_setting_has_an_origin_in_field_order() -> None:
    found = resolve(net(make_lif()), preset="norse")
    assert tuple(key for key, _ in found.origins) == SETTINGS
    assert set(origins(found).values()) <= {"option", "default"}


def test_presets_set_all_that_frameworks_fix() -> None:
    graph = net(make_lif(tau=20.0))
    for name, preset in PRESETS.items():
        given: dict[str, Any] = {} if "file_dt" in preset.settings else {"file_dt": 1e-3}
        found = resolve(graph, preset=name, overrides=given)
        for key, value in preset.settings.items():
            assert getattr(found, key) == value and origins(found)[key] == "option"
        assert found.chip_dt == (None if preset.in_steps else found.file_dt)
        assert set(CHOICES) <= set(preset.settings)


def test_nir_and_lava_do_not_fix_a_step() -> None:
    for preset in ("nir", "lava"):
        assert "file_dt is not known" in refused(net(make_lif()), preset=preset)


def test_a_step_that_the_parameters_tell_goes_before_the_default_of_the_preset() -> None:
    beta = np.array([0.5, 0.8, 0.9])
    graph = make_graph(
        (Input(**shaped("input")), make_lif("layer_0", tau=1e-3 / (1 - beta), r=beta)),
        [("input", "layer_0")],
    )
    found = resolve(graph, preset="spyx")
    assert found.file_dt == found.chip_dt == 1e-3 and origins(found)["file_dt"] == "option"


def test_chip_dt_is_its_own_setting() -> None:
    found = resolve(net(make_lif()), preset="norse", overrides={"chip_dt": 1e-2})
    assert (found.file_dt, found.chip_dt) == (1e-3, 1e-2)
    found = resolve(net(make_lif()), preset="norse", overrides={"chip-dt": "none"})
    assert found.chip_dt is None


# ---- what must be known


def test_what_is_missing_is_named_with_what_each_choice_leads_to(
    golden: Callable[[str, str], None],
) -> None:
    graph = net(make_lif(tau=[0.02, 0.001, 0.03]), make_cuba("m", 0.002, 0.01))
    golden("nir_io/missing.txt", refused(graph, path="model.nir") + "\n")


def test_a_step_is_asked_for_only_where_something_is_timed() -> None:
    reset = {"reset": "zero"}
    found = resolve(net(make_if()), overrides=reset)
    assert found.file_dt is None and found.chip_dt is None
    assert origins(found)["file_dt"] == "default"
    late, soon = Delay(delay=full(1), **shaped("d")), Delay(delay=full(0), **shaped("d"))
    assert "file_dt is not known" in refused(net(late, make_if()), overrides=reset)
    assert resolve(net(soon, make_if()), overrides=reset).file_dt is None
    leaky = LI(tau=full(0.1), r=full(1), v_leak=full(0), **shaped("li"))
    assert "The fastest is tau of 'li', 0.1" in refused(net(leaky))


def test_a_reset_is_asked_for_only_where_something_is_reset() -> None:
    step = Threshold(threshold=full(1), **shaped("t"))
    leaky = LI(tau=full(0.1), r=full(1), v_leak=full(0), **shaped("li"))
    found = resolve(net(leaky, step), overrides={"file_dt": 1e-3})
    assert origins(found)["reset"] == "default"
    text = refused(net(make_if(r=0.25)))
    assert "is lost at a spike (up to 0.25 of it in 'n', after one input spike)" in text
    text = refused(net(make_lif(tau=0.02, r=4)), overrides={"file_dt": 1e-3})
    assert "reset is not known" in text and "(up to 0.2 of it in 'n'" in text


def test_a_v_reset_other_than_zero_tells_a_hard_reset() -> None:
    found = resolve(net(make_if(reset=-0.5)))
    assert found.reset == "zero" and origins(found)["reset"] == "exporter"


def test_forward_euler_cannot_step_over_a_time_constant() -> None:
    """|1 - dt / tau| below 1 is stable: dt = tau forgets within a step, and no other dt is advised."""
    graph = net(make_lif(tau=[0.02, 1e-3, 0.02]), make_cuba("m", 5e-4, 0.02))
    given = {"file_dt": 1e-3, "reset": "zero"}
    assert refused(graph, overrides=given).splitlines() == [
        "tau_syn of 'm' is 0.0005, not above half the step file_dt 0.001: forward Euler would "
        "multiply by -1 a step, which is no decay. Was the file written for another step "
        "(--file-dt), or another --discretization?",
    ]
    found = resolve(graph, overrides={**given, "discretization": "exponential"})
    assert found.discretization == "exponential"
    assert resolve(graph, overrides={**given, "file_dt": 9.9e-4}).file_dt == 9.9e-4


def test_a_time_constant_of_a_step_is_one_as_float32_too() -> None:
    """Files hold float32; dt = tau forgets within a step, and is not said to turn the sign."""
    tau = float(np.float32(1e-4))
    graph = net(make_lif(tau=tau), make_cuba("m", 8e-5, 0.02))
    found = resolve(graph, overrides={"file_dt": 1e-4, "reset": "zero"})
    assert discretise(graph.nodes["n"], found).mem_decay.tolist() == [0.0] * 3
    assert [text.split(": ")[-1] for text in warnings(graph, found)] == [
        "a step multiplies by -0.25",
        "it forgets within a step",
    ]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("reset", "soft", "reset is 'soft'; expected zero or subtract"),
        ("comparison", "=", "comparison is '='; expected > or >="),
        ("order", "both", "order is 'both'; expected leak-then-input or input-then-leak"),
        ("spikes", 2, "spikes is '2'; expected one or many"),
        ("file_dt", "fast", "file_dt is 'fast'; expected a number"),
        ("file_dt", 0, "file_dt is 0; expected a positive number of seconds"),
        ("file_dt", "nan", "file_dt is nan; expected a positive number"),
        ("chip_dt", "inf", "chip_dt is inf; expected a positive number"),
        ("steps", 2.5, "steps is 2.5; expected a whole number of at least 1"),
        ("v_min", 0.5, "v_min is 0.5; expected at most 0, in thresholds"),
        ("input_kind", "counts:0", "input_kind is 'counts:0'; expected spikes, counts:N or real"),
        ("input_kind", "counts:", "input_kind is 'counts:'; expected"),
        ("dt", 1, "there is no setting 'dt'; there are: file_dt, chip_dt,"),
        ("a\x1b[2Jb", 1, "there is no setting 'a\\x1b[2Jb'"),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: Any, words: str) -> None:
    assert words in refused(net(make_lif()), preset="norse", overrides={key: value})


def test_all_wrong_values_come_at_once() -> None:
    given = {"reset": "soft", "steps": 0, "order": "x"}
    text = refused(net(make_lif()), preset="nors", overrides=given, path="m.nir")
    assert len(text.splitlines()) == 4 and "there are no semantics 'nors'; there are:" in text
    assert text.count("m.nir: ") == 3


def test_wrong_metadata_is_told_and_an_option_goes_before_it() -> None:
    graph = net(make_lif(), metadata={"dt": "often"})
    given = {"reset": "zero"}
    assert "metadata of the file: file_dt is 'often'" in refused(graph, overrides=given)
    assert resolve(graph, overrides={**given, "file_dt": 1e-3}).file_dt == 1e-3


def test_several_spikes_a_step_need_a_reset_by_subtraction() -> None:
    graph = net(make_lif(tau=20.0))
    found = resolve(graph, preset="sinabs", overrides={"reset": "zero"})
    assert found.spikes == "one" and origins(found)["spikes"] == "default"
    given = {"reset": "zero", "spikes": "many"}
    assert "several spikes a step need the reset 'subtract'" in refused(
        graph, preset="sinabs", overrides=given
    )


def test_values_are_taken_as_text_or_numbers() -> None:
    given = {"v-min": "-1", "steps": "100", "input-kind": "counts:15", "file-dt": 1e-3}
    found = resolve(net(make_lif()), preset="nir", overrides=given)
    assert (found.v_min, found.steps, found.max_count) == (-1.0, 100, 15)
    found = resolve(net(make_lif(tau=20.0)), preset="sinabs", overrides={"v_min": "none"})
    assert found.v_min is None


# ---- what looks wrong, and units


def test_suspicious_time_constants_are_told() -> None:
    given = {"file_dt": 1e-3, "discretization": "exponential", "reset": "zero"}
    graph = net(make_lif("x", tau=1e-4), make_lif("y", tau=5e-4), make_lif("z", tau=500.0))
    fast, within, slow = warnings(graph, resolve(graph, overrides=given))
    assert fast.startswith("tau of 'x' is 0.1 dt: ten times or more smaller than a framework's")
    assert within.startswith("tau of 'y' is 0.5 dt") and "it forgets within a step" in within
    assert slow.startswith("tau of 'z' is 5e+05 dt") and "it hardly leaks" in slow
    assert warnings(net(make_lif()), resolve(net(make_lif()), preset="norse")) == ()


def test_suspicious_gains_and_unused_resets_are_told() -> None:
    rate = net(make_if(r=1e4))
    (told,) = warnings(rate, resolve(rate, overrides={"reset": "zero"}))
    assert told.startswith("r of 'n' is 10000, which each step adds; if that is 1/dt")
    hard = net(make_if(reset=0.25))
    (told,) = warnings(hard, resolve(hard, overrides={"reset": "subtract"}))
    assert told == "v_reset of 'n' is not 0, and reset 'subtract' does not use it"
    lost = net(make_cuba("n", 0.01, 0.02, r=20))
    (told,) = warnings(lost, resolve(lost, preset="rockpool"))
    assert told.startswith("w_in of 'n' is 1 while r is about tau_mem/dt")


def test_per_step_turns_a_rate_into_what_a_step_adds() -> None:
    graph = net(make_if(r=1e4), make_lif("m", tau=1e-3))
    found = resolve(graph, preset="spikingjelly")
    same = per_step(graph, found).nodes["n"]
    assert isinstance(same, IF)
    np.testing.assert_allclose(same.r, 1.0)
    assert per_step(graph, found).nodes["m"] is graph.nodes["m"]
    assert per_step(graph, resolve(graph, preset="snntorch")) is graph
    assert warnings(graph, found) == ()


def test_time_constants_come_fastest_first() -> None:
    graph = net(make_lif(tau=[0.02, 0.001, 0.03]), make_cuba("m", 0.002, 0.01))
    assert time_constants(graph) == (
        ("n", "tau", 0.001, 0.03),
        ("m", "tau_syn", 0.002, 0.002),
        ("m", "tau_mem", 0.01, 0.01),
    )
