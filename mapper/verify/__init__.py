"""The stand-alone checker of a bundle: its own reading, its own arithmetic.

It imports nothing of the mapper's model, of nir_io or rewrite_rules, and no solver. Limits
come from the profile's file, never from the bundle. A damaged or hostile bundle gives
findings, not exceptions.

    files -> manifest -> device -> arrays -> placement, timing -> the family's limits
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mapper.verify.arrays import Store, read_arrays
from mapper.verify.case import Case
from mapper.verify.device import Device, NoLimitError, device
from mapper.verify.families import FAMILIES
from mapper.verify.files import Folder, read_folder
from mapper.verify.manifest import Manifest
from mapper.verify.placement import check_placement
from mapper.verify.read import read_manifest
from mapper.verify.report import Book, Checked, CoreUse, Finding, Use, listed, shown
from mapper.verify.timing import check_timing

__all__ = ["Checked", "CoreUse", "Finding", "Use", "examine", "verify"]

AnyPath = str | os.PathLike[str]


def verify(
    path: AnyPath,
    *,
    model: AnyPath | None = None,
    fingerprint: str | None = None,
    profile: AnyPath | None = None,
) -> Checked:
    """Whether the bundle in folder `path` is whole, legal on its device and consistent.

    model: the .nir file that was mapped; then the bundle must be of it (by `fingerprint`,
    the network's, where the caller knows it, else by the SHA-256 of the file), and
    mapped.nir must hold the bundle's integers in threshold units.
    profile: the file of a device that does not come with the package.
    """
    profile_path = None if profile is None else Path(profile)
    return _guarded(lambda book: _verify(Path(path), model, fingerprint, profile_path, book))


def examine(
    manifest: Mapping[str, Any], arrays: bytes, *, profile: AnyPath | None = None
) -> Checked:
    """As `verify`, of a bundle that is not written yet: its manifest and its arrays.npz.

    Raises MemoryError: a job that may take too little is no fault of the bundle.
    """
    folder = Folder(Path(), manifest, arrays)
    profile_path = None if profile is None else Path(profile)
    return _guarded(lambda book: _examine(folder, profile_path, book), MemoryError)


def _guarded(check: Callable[[Book], object], *passes: type[Exception]) -> Checked:
    """What `check` finds; that it cannot go on is a finding as well, save for what `passes`."""
    book = Book()
    try:
        with np.errstate(all="ignore"):  # odd values are findings, not warnings
            check(book)
    except NoLimitError as error:
        book.find("profile", f"{error}; the bundle cannot be checked")
    except passes:
        raise
    except Exception as error:  # a bundle that breaks the checker is no good bundle
        book.find("checker-failed", f"the check ended early: {type(error).__name__}: {error}")
    return book.checked()


def _verify(
    path: Path,
    model: AnyPath | None,
    fingerprint: str | None,
    profile: Path | None,
    book: Book,
) -> None:
    folder = read_folder(path, book)
    case = None if folder is None else _examine(folder, profile, book)
    if case is not None and (model is not None or fingerprint is not None):
        from mapper.verify.mapped import check_mapped, check_model

        check_model(case, Path(model or ""), fingerprint)
        check_mapped(case, path / "mapped.nir", FAMILIES[case.manifest.family].weights)


def _examine(folder: Folder, profile: Path | None, book: Book) -> Case | None:
    """All checks but those of the other files; None where they had to end early."""
    manifest = read_manifest(folder.manifest, book, FAMILIES)
    if manifest is None:
        return None
    chip = device(manifest.device, manifest.profile, book, profile)
    if chip is None:
        return None
    if chip.family != manifest.family:
        book.find(
            "device-unknown",
            f"the device is of the family '{chip.family}', the bundle of '{manifest.family}'",
        )
        return None
    family = FAMILIES[manifest.family]
    case = _case(folder, manifest, chip, book)
    check_placement(manifest, chip, family.layout, book)
    check_timing(manifest, chip, case.store, book)
    family.check(case)
    _all_used(case)
    return case


def _case(folder: Folder, manifest: Manifest, chip: Device, book: Book) -> Case:
    arrays = read_arrays(folder.arrays, manifest.arrays, book) if folder.arrays else {}
    store = Store(arrays, book)
    for host in manifest.hosts:
        for ref in host.refs:
            store.get(ref, f"host stages of output {shown(host.output)}")
    return Case(
        manifest=manifest,
        device=chip,
        store=store,
        book=book,
        into=manifest.into(),
        parts=manifest.parts(),
    )


def _all_used(case: Case) -> None:
    """Every array serves something; one that is left may be what a param should name."""
    unused = sorted(set(case.manifest.arrays) - case.store.used)
    if unused:
        case.book.find(
            "array-unused",
            f"{len(unused)} of {len(case.manifest.arrays)} arrays are named by nothing: "
            f"{listed(unused)}",
        )
