"""The HTML pages in a headless Chromium, from their paths, as a person's browser has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mapper.emulate.manifest import IntervalRow
from mapper.report.html import svg
from mapper.report.plots import Bar, waterfall
from tests.browser import Browser
from tests.report.pages import ASKED, BATCH, BATCH_DEVICES, HOSTILE, IMAGE

AUDIT = (Path(__file__).parent / "audit.js").read_text()
HOSTILE_PAGES = ("hostile", "hostile_refused", "hostile_compared", "hostile_batch")
NAMES = (*ASKED, "bundle", "batch", *HOSTILE_PAGES)
PHONE, DESK = 390, 1280
Pages = dict[str, Path]


def text(browser: Browser, selector: str) -> str:
    return browser.run(f"document.querySelector({selector!r}).textContent.trim()")


def count(browser: Browser, selector: str) -> int:
    return browser.run(f"document.querySelectorAll({selector!r}).length")


def shown(browser: Browser, selector: str) -> int:
    """How many of them can be seen."""
    return browser.run(
        f"[...document.querySelectorAll({selector!r})].filter((x) => x.checkVisibility()).length"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_page_stands_alone_and_can_be_used_by_all(
    name: str, browser: Browser, pages: Pages
) -> None:
    """Light and dark, desk and phone: complete, labelled, legible, nothing fetched, no error."""
    assert pages[name].stat().st_size < 1_000_000
    for width, dark in ((DESK, False), (PHONE, True), (PHONE, False)):
        browser.open(pages[name], width=width, dark=dark)
        assert browser.complaints == []
        assert browser.requests == [pages[name].resolve().as_uri()]
        assert browser.run(AUDIT) == [], f"{name} at {width}, {'dark' if dark else 'light'}"


def test_the_audit_finds_what_is_wrong(browser: Browser, pages: Pages) -> None:
    browser.open(pages["speck"])
    browser.run("""{
        document.querySelector("h2").outerHTML = "<h4>skipped</h4>";
        document.querySelector("svg").replaceChildren();
        document.querySelector("h1").style.color = "#aaa";
        document.querySelector("footer").style.width = "200vw";
        document.querySelector("nav a").href = "#nowhere";
    }""")
    found = " ".join(browser.run(AUDIT))
    for fault in ("h1 is followed by h4", "empty picture", "contrast", "wide in", "leads nowhere"):
        assert fault in found


@pytest.mark.parametrize("name", [*ASKED, "bundle"])
def test_a_page_says_what_the_terminal_says_and_draws_it(
    name: str, browser: Browser, pages: Pages
) -> None:
    browser.open(pages[name])
    heading = text(browser, "h1")
    parts = ["#graph svg .node"]
    if name in ("undecided", *(n for n in ASKED if n.startswith("refused"))):
        assert re.search(r"does not fit|undecided", heading)
        parts += [] if name == "undecided" else ["#because .box", "#fixes li"]
    else:
        assert " fits " in heading
        parts += ["#floor .mark", "#floor .meter svg", "#populations tbody tr"]
    if name in ("refused_cores", "refused_memory", "refused_inputs"):
        parts.append("#floor .hit")
    assert [part for part in parts if count(browser, part) == 0] == []


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_names_are_text_and_never_markup(name: str, browser: Browser, pages: Pages) -> None:
    browser.open(pages[name])
    assert browser.complaints == []
    assert count(browser, "img, iframe, object, embed, link, base") == 0
    assert count(browser, "script") == (2 if "batch" in name else 1)
    assert browser.run("document.title").count("<img src=x") == (0 if "batch" in name else 1)
    page = browser.run("document.body.textContent")
    assert IMAGE in page
    if "batch" in name:
        assert text(browser, "tbody th").endswith(f"{IMAGE}.nir")
        browser.run("document.querySelector('.cell').click()")
        assert IMAGE in text(browser, "#details-title")
        assert count(browser, "img, script:not([type]) ~ script") == 0
    elif "compared" not in name:  # which names populations only
        assert all(hostile in page for hostile in HOSTILE)
    assert browser.complaints == []


def test_a_page_can_be_read_on_paper(browser: Browser, pages: Pages) -> None:
    """White paper in a dark room, no controls, and nothing folded away."""
    for name in ("speck", "batch"):
        browser.open(pages[name], dark=True, media="print")
        assert (
            browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert shown(browser, "nav, input, select, .skip") == 0
        assert browser.run(AUDIT) == []
        browser.run("dispatchEvent(new Event('beforeprint'))")
        assert browser.run("[...document.querySelectorAll('details')].every((x) => x.open)")


def test_a_page_is_walked_by_keys(browser: Browser, pages: Pages) -> None:
    browser.open(pages["speck"])
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    browser.press("Enter")
    assert browser.run("location.hash") == "#main"
    for link in browser.run("[...document.querySelectorAll('nav a')].map((x) => x.hash)"):
        browser.run(f"document.querySelector('nav a[href=\"{link}\"]').focus()")
        browser.press("Enter")
        assert browser.run("location.hash") == link


def test_the_matrix_is_filtered_ordered_and_asked_by_keys(browser: Browser, pages: Pages) -> None:
    browser.open(pages["batch"])
    rows = "#table tbody tr"
    assert (shown(browser, rows), count(browser, rows)) == (len(BATCH), len(BATCH))
    assert count(browser, f"{rows} .cell") == len(BATCH) * len(BATCH_DEVICES)

    browser.run("document.querySelector('#find').focus()")
    browser.call("Input.insertText", text="CNN deep")
    assert shown(browser, rows) == 1
    assert "1 of 4" in text(browser, "#count")
    browser.run("document.querySelector('#clear').click()")
    assert shown(browser, rows) == len(BATCH)

    fitting = browser.run(
        "[...document.querySelectorAll('#table tbody tr')].filter((x) => x.querySelector('.exact')).length"
    )
    assert 0 < fitting < len(BATCH)
    browser.run("document.querySelector('input.kind[value=exact]').click()")
    assert shown(browser, rows) == fitting
    browser.run("document.querySelector('#clear').click()")

    browser.run("document.querySelector('input.device[value=\"0\"]').click()")
    assert shown(browser, "#table thead th") == 1 + len(BATCH_DEVICES)  # and the neurons
    browser.run("document.querySelector('#clear').click()")

    order = (
        "[...document.querySelectorAll('#table tbody tr')].map((x) => Number(x.dataset.neurons))"
    )
    browser.run(
        "{const x = document.querySelector('#order'); x.value = 'neurons'; "
        "x.dispatchEvent(new Event('change', {bubbles: true}));}"
    )
    neurons = browser.run(order)
    assert neurons == sorted(neurons, reverse=True)
    assert len(set(neurons)) > 1

    cell = "document.activeElement.closest('td')"
    browser.run("document.querySelector('#table .cell').focus()")
    browser.press("ArrowRight")
    browser.press("ArrowDown")
    assert browser.run(f"[{cell}.cellIndex, {cell}.parentElement.sectionRowIndex]") == [3, 1]
    browser.press("Enter")
    assert browser.run("document.querySelector('#details').open")
    device = text(browser, "#table thead th:nth-child(4)")
    assert device in BATCH_DEVICES
    assert text(browser, "#details-title").endswith(f" on {device}")
    assert text(browser, "#details-says")
    browser.press("Escape")
    assert not browser.run("document.querySelector('#details').open")
    assert browser.run(f"{cell}.cellIndex") == 3  # back where it was
    assert browser.complaints == []


def test_a_plot_is_also_a_file_of_its_own(browser: Browser, tmp_path: Path) -> None:
    """What `mapper.report.html.svg` writes is a picture: well-formed, drawn, its names escaped."""
    kept: IntervalRow = {"value": 0.9, "low": 0.8, "high": 1.0, "samples": 10}
    plot = waterfall([Bar(name=IMAGE, kept=kept, change=None)], "accuracy")
    (tmp_path / "plot.svg").write_text(svg(plot), encoding="utf-8")
    browser.open(tmp_path / "plot.svg")
    assert browser.complaints == []
    assert browser.run("document.documentElement.tagName") == "svg"
    assert browser.run("document.querySelector('rect').getBoundingClientRect().width") > 0
    assert IMAGE in browser.run("document.documentElement.textContent")
