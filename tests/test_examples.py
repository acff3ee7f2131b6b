"""Every script of examples/ runs and ends well; the README shows what the program prints."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from tests.examples_path import EXAMPLES, ROOT

LIBRARIES = ("networks", "make_models")
SCRIPTS = sorted(file.stem for file in EXAMPLES.glob("*.py") if file.stem not in LIBRARIES)
SAYS = {
    "speck_cnn": "fits speck2f: 4 of 9 cores",
    "channel_split": "'1' channels 10 to 19: core",
    "recurrent": "xylo-audio2: outputs are [1] steps late",
    "trained_mlp": "right after mapping:  100.0%",
    "residual": "fits speck2f",
    "refused": "cores: 10 of 9 cores",
    "demo": "8 of 10 fit. The bundles lie in:",
}


def test_no_example_is_left_out() -> None:
    assert set(SCRIPTS) == set(SAYS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_runs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = importlib.import_module(name)
    code = script.main() if name == "refused" else script.main(tmp_path / "out")
    assert code == 0
    assert SAYS[name] in capsys.readouterr().out


def test_the_demo_covers_all_families_and_a_refusal() -> None:
    from demo import PAIRS

    from mapper import api

    families = {api.devices(device)[0].family for _, device in PAIRS}
    assert families == {profile.family for profile in api.devices()}


def test_models_are_written_with_their_semantics(tmp_path: Path) -> None:
    from make_models import write_models
    from networks import NETWORKS, SEMANTICS

    from nir_io.sidecar import load_sidecar

    paths = write_models(tmp_path)
    assert set(paths) == set(NETWORKS) == set(SEMANTICS)
    assert {file.name for file in tmp_path.glob("*.nir")} == set(
        load_sidecar(tmp_path / "models.toml")
    )


PAGES = {"README.md": 2, "docs/tutorial.md": 3}
REFUSALS = ("Too many layers", "Paths of different length", "Too many events a step")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_the_program_prints(page: str) -> None:
    from scripts.readme import FILES, rewritten

    files = {str(file.relative_to(ROOT)) for file in FILES}
    assert files == {*PAGES, "docs/refusals.md"}
    text = (ROOT / page).read_text()
    here = Path.cwd()
    assert rewritten(text) == text, "run python scripts/readme.py"
    assert Path.cwd() == here
    assert text.count("$ nirmap ") == PAGES[page]


@pytest.mark.parametrize("title", REFUSALS)
def test_a_refusal_of_the_page_is_as_printed(title: str) -> None:
    """Speck, Xylo and Loihi 2 here; `scripts/readme.py --check` runs all of the page."""
    from scripts.readme import rewritten

    sections = (ROOT / "docs" / "refusals.md").read_text().split("\n## ")
    (section,) = (text for text in sections if text.startswith(f"{title}\n"))
    assert rewritten(section) == section, "run python scripts/readme.py"


def test_every_fix_of_the_page_maps_the_network_it_is_for() -> None:
    """The page shows a fix by the first line of what it answers."""
    text = (ROOT / "docs" / "refusals.md").read_text()
    answers = re.findall(r"^\$ nirmap map (\S+).*\n(.*)$", text, re.MULTILINE)
    assert len(answers) == 11
    for model, answer in answers:
        assert answer.startswith(f"{model} fits ")


def commands(text: str) -> list[str]:
    """Every command line that a page shows, in order: examples with their output, and lists."""
    return [
        match[1].split("  #")[0].strip()
        for match in re.finditer(r"^(?:    |\$ )(nirmap [^\n]*)$", text, re.MULTILINE)
    ]


def test_the_commands_of_the_readme_run_where_its_first_line_leads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder that `make demo` leaves; one of them is there to be refused."""
    import demo

    from mapper.cli.main import main

    text = (ROOT / "README.md").read_text()
    (setup,) = re.findall(r"^    (make demo && .*)$", text, re.MULTILINE)
    assert setup == "make demo && . .venv/bin/activate && cd out/demo/models"
    assert text.index(setup) < text.index("nirmap map ")
    makefile = (ROOT / "Makefile").read_text()
    assert "VENV ?= .venv\n" in makefile and "$(BIN)/python examples/demo.py\n" in makefile
    assert '"out/demo"' in (EXAMPLES / "demo.py").read_text()
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "PAIRS", demo.PAIRS[:1])  # test_an_example_runs runs all of them
    assert demo.main(Path("out/demo")) == 0
    monkeypatch.chdir(tmp_path / "out" / "demo" / "models")
    found = commands(text)
    assert len(found) >= 10
    codes: dict[str, int] = {}
    for line in found:
        words = shlex.split(line)[1:]
        capsys.readouterr()
        try:
            codes[line] = main(words)
        except SystemExit as left:
            codes[line] = int(left.code or 0)
    refused = "nirmap check cnn_if_heavy.nir --device speck2f --models models.toml"
    assert {line: code for line, code in codes.items() if code} == {refused: 1}
    (python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(python, "README.md", "exec"), {})
