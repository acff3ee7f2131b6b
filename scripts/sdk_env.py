"""Builds the environments of the vendors' simulators, each isolated and pinned.

    python scripts/sdk_env.py [FOLDER]        default: .sdk in the repository

They are oracles for tests and benchmarks, never dependencies. Each is a venv made by the
Python version that its packages need, looked for on PATH and then among pyenv's versions.
What is there already, with the same pins, is left alone. Says what could not be built and
why, and then exits with 1. samna and py-spinnaker2 are not among them: the first is a binary
that installs itself from its maker's own index, the second is in no index.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 600  # seconds for one step of a build


@dataclass(frozen=True, slots=True)
class Environment:
    """`pins`: what pip installs; `bare`: without their dependencies; `proof`: an import."""

    name: str
    python: str
    pins: tuple[str, ...]
    proof: str
    for_: str
    bare: tuple[str, ...] = ()


ENVIRONMENTS = (
    Environment(
        name="lava",
        python="3.10",
        pins=("lava-nc==0.10.0", "numpy==1.26.4", "scipy==1.15.3", "networkx==2.8.7"),
        proof="import lava.proc.lif.process",
        for_="Loihi 2 (tag fixed_pt)",
    ),
    Environment(
        name="xylosim",
        python="3.11",
        pins=("xylosim==0.1.3", "numpy>=1.26,<3"),
        proof="import xylosim.v1, xylosim.v2",
        for_="Xylo, cores 1 and 2",
    ),
    Environment(
        name="rockpool",
        python="3.11",
        # Its Xylo modules import with a stand-in for samna (tests/sdk/vendor_rockpool.py).
        pins=(
            "rockpool==3.1.0",
            "xylosim==0.1.3",
            "bitstruct==8.24.0",
            "packaging>=24,<27",
            "numpy>=1.26,<3",
            "scipy>=1.11,<2",
        ),
        proof="import rockpool, xylosim.v2, bitstruct, packaging",
        for_="Xylo, its configurations",
    ),
    Environment(
        name="sinabs",
        python="3.11",
        pins=(
            "torch==2.13.0",
            "numpy>=1.26,<3",
            "matplotlib>=3.8,<4",
            "pbr>=6,<8",
            "scipy>=1.11,<2",
            "nir==1.0.4",
            "nirtorch==2.0.2",
        ),
        # It asks for samna, a binary that installs a second copy of itself when imported.
        bare=("sinabs==3.1.3",),
        proof="import sinabs.layers",
        for_="Speck's step view",
    ),
)


def find_python(version: str) -> str | None:
    """A Python of this minor version: on PATH, or the newest of pyenv's."""
    named = [shutil.which(f"python{version}"), sys.executable]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    # By patch level as a number: 3.10.13 is newer than 3.10.9.
    installed = sorted(
        pyenv.glob(f"{version}.*"),
        key=lambda p: [int(n) if n.isdigit() else 0 for n in p.name.split(".")],
    )
    named += [str(path / "bin" / f"python{version}") for path in reversed(installed)]
    for python in named:
        if python is not None and _version(python) == version:
            return python
    return None


def _version(python: str) -> str | None:
    """Its minor version; None where it does not start (a pyenv shim may not)."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", ask], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def run(command: list[str], longest: float) -> subprocess.CompletedProcess[str]:
    """Run a vendor's process; after `longest` seconds it and all that it started are ended.

    Raises subprocess.TimeoutExpired then.
    """
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = started.communicate(timeout=longest)
    except BaseException:
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    return subprocess.CompletedProcess(command, started.returncode, out, err)


def python_of(folder: Path, name: str) -> Path:
    """The interpreter of an environment in `folder`."""
    return folder / name / "bin" / "python"


def ready(folder: Path, name: str) -> bool:
    """Whether an environment in `folder` was built to the end."""
    return (folder / f"{name}.json").is_file() and python_of(folder, name).exists()


def build(environment: Environment, folder: Path) -> str | None:
    """Make one environment; the reason where that fails."""
    home, stamp = folder / environment.name, folder / f"{environment.name}.json"
    wanted = json.dumps([environment.python, *environment.pins, *environment.bare])
    if (
        stamp.is_file()
        and stamp.read_text() == wanted
        and python_of(folder, environment.name).exists()
    ):
        return None
    python = find_python(environment.python)
    if python is None:
        return f"Python {environment.python} is neither on PATH nor among pyenv's versions"
    stamp.unlink(missing_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    inside = str(python_of(folder, environment.name))
    install = [inside, "-m", "pip", "install", "--quiet"]
    for command in (
        [python, "-m", "venv", str(home)],
        [*install, *environment.pins],
        [*install, "--no-deps", *environment.bare] if environment.bare else [inside, "-V"],
        [inside, "-c", environment.proof],
    ):
        reason = _failure(command)
        if reason is not None:
            shutil.rmtree(home, ignore_errors=True)  # half an environment is none
            return reason
    stamp.write_text(wanted)
    return None


def _failure(command: list[str]) -> str | None:
    """Run a step of a build; why it failed."""
    shown = " ".join(command[1:4])
    try:
        done = run(command, LONGEST)
    except subprocess.TimeoutExpired:
        return f"{shown} took more than {LONGEST} s"
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).strip().splitlines()
    return f"{shown} failed: {said[-1] if said else 'without a word'}"


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".sdk").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    missing = 0
    for environment in ENVIRONMENTS:
        reason = build(environment, folder)
        missing += reason is not None
        state = "ready" if reason is None else f"NOT BUILT: {reason}"
        print(f"{environment.name} ({environment.for_}): {state}", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
