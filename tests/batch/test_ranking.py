"""Which device suits which model, which limits refuse, what would help, and the CSV file."""

from __future__ import annotations

import csv
import io

import pytest

from mapper.verbs.batch.columns import COLUMNS, as_csv
from mapper.verbs.batch.rank import order_of, ranked
from mapper.verbs.batch.summary import ranks, summary
from nir_io.errors import BadInput
from tests.batch.rows import fitting, refused, row

USUAL = order_of(None)


def devices(*rows, order: str | None = None) -> list[str]:
    return [line["device"] for line in ranked(rows, order_of(order))]


def test_native_goes_before_exact_before_approximate_and_then_room_counts() -> None:
    rows = [
        fitting("m", "a", 0.1, group="approximate"),
        fitting("m", "b", 0.9, group="native"),
        fitting("m", "c", 0.5, group="exact"),
        fitting("m", "d", 0.4, group="exact"),
        refused("m", "e", "output_neurons", 9),
    ]
    assert devices(*rows) == ["b", "d", "c", "a"]


def test_agreement_with_data_goes_before_everything() -> None:
    rows = [fitting("m", "a", group="native", agreement=0.7), fitting("m", "b", agreement=0.9)]
    assert devices(*rows) == ["b", "a"]


def test_equals_stand_in_name_order_and_core_counts_do_not_matter() -> None:
    few = {"used": 1, "available": 1000}
    many = {"used": 999, "available": 1000}
    assert devices(fitting("m", "b", cores=few), fitting("m", "a", cores=many)) == ["a", "b"]


def test_rank_reorders_and_what_it_leaves_out_follows() -> None:
    rows = [
        fitting(
            "m", "a", 0.9, group="native", error=0.0, loss={"rms": 0.3, "max": 1, "clipped": 0}
        ),
        fitting("m", "b", 0.1, group="exact", error=0.0, loss={"rms": 0.2, "max": 1, "clipped": 0}),
    ]
    assert devices(*rows) == ["a", "b"]
    assert devices(*rows, order="headroom") == ["b", "a"]
    assert devices(*rows, order="loss,group") == ["b", "a"]
    assert order_of("error") == ("error", "agreement", "group", "headroom")


@pytest.mark.parametrize("text", ["cores", "", "error,error", "headroom,,error"])
def test_an_order_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(
        BadInput, match=r"option rank: is .*; expected some of agreement, group, headroom"
    ):
        order_of(text)


def test_the_summary_counts_statuses_groups_and_limits() -> None:
    rows = [
        fitting("a", "x", group="native"),
        refused("b", "x", "output_neurons", 9),
        refused("c", "x", "output_neurons", 12),
        refused("d", "x", "input_channels", 20),
        row("e", "x", "bad-input", says="no file"),
    ]
    facts = summary(rows, USUAL)
    (device,) = facts["devices"]
    assert device["statuses"] == {
        "fits": 1,
        "not": 3,
        "undecided": 0,
        "bad-input": 1,
        "limit-hit": 0,
        "bug": 0,
    }
    assert device["groups"] == {"native": 1, "exact": 0, "approximate": 0}
    first, second = device["refusing"]
    assert (first["limit"], first["models"], first["least_demanded"], first["most_demanded"]) == (
        "output_neurons",
        2,
        9,
        12,
    )
    assert (second["limit"], second["models"]) == ("input_channels", 1)
    assert ranks(facts) == {("a", "x"): 1}


def made(**changes: float | None) -> list[dict[str, object]]:
    return [{"change": name, "to": to} for name, to in changes.items()]


def test_changes_are_told_by_how_many_models_they_admit() -> None:
    rows = [
        refused("a", "x", "output_neurons", 9, made(output_neurons=9)),
        refused("b", "x", "output_neurons", 12, made(output_neurons=12)),
        refused("c", "x", "output_neurons", 10, made(output_neurons=10, allow=None)),
        refused("d", "x", "input_channels", 20, made(input_channels=20)),
        refused("e", "x", "input_channels", 99, None),
    ]
    admitting = summary(rows, USUAL)["devices"][0]["admitting"]
    assert admitting[0] == {"models": 3, "changes": made(allow=None, output_neurons=12)}
    assert admitting[1] == {"models": 2, "changes": made(output_neurons=12)}
    assert admitting[2] == {"models": 1, "changes": made(input_channels=20)}


def test_a_larger_set_of_changes_that_admits_no_more_is_left_out() -> None:
    rows = [
        refused("a", "x", "output_neurons", 9, made(output_neurons=9)),
        refused("b", "x", "output_neurons", 9, made(output_neurons=9)),
    ]
    admitting = summary(rows, USUAL)["devices"][0]["admitting"]
    assert admitting == [{"models": 2, "changes": made(output_neurons=9)}]


def test_the_csv_file_has_the_columns_and_one_line_a_row() -> None:
    rows = [fitting("a", "x"), refused("b", "x", "output_neurons", 9, made(output_neurons=9))]
    lines = list(csv.DictReader(io.StringIO(as_csv(rows, {("a", "x"): 1}).decode())))
    assert list(lines[0]) == list(COLUMNS)
    assert (lines[0]["rank"], lines[0]["headroom"], lines[0]["limit"]) == ("1", "0.5", "")
    assert (lines[1]["limit"], lines[1]["demanded"]) == ("output_neurons", "9")
    assert lines[1]["changes"] == "output_neurons 9"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(name: str) -> None:
    (line,) = csv.DictReader(io.StringIO(as_csv([fitting(name, "x")], {}).decode()))
    assert line["model"] == f"'{name}"
