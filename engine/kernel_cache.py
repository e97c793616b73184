"""Where compiled kernels are kept: in a folder that is named after all that they were compiled from. Standard library only.

Numba compiles a function again when the file that defines it has changed. It does not look at the functions that it calls, nor at types and
constants of other files, so that an upgrade could go on running old machine code. The folder's name therefore has every source of a
kernel in it, and the versions of Numba and llvmlite.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "NUMBA_CACHE_DIR"
PACKAGES = ("engine", "trainer", "worker")  # where kernels may be; an image has some of these
SWITCH = "LARDER_KERNELS"  # what engine/score/tile_sums.py chooses by; a compiled kernel has its choice in it
KEPT = 3  # folders: going back to the version of yesterday compiles nothing
_PREFIX = "kernels-"
_COMPILERS = ("numba", "llvmlite")
_IMPORTS = re.compile(r"^(?:from|import) ([\w.]+)(?: import (?:\(([\w,\s]+)\)|([\w, ]+)))?", re.MULTILINE)


def use(environ: MutableMapping[str, str], root: Path = ROOT) -> Path:
    """Point Numba to the folder for the sources in `root`. To be called before Numba is imported; again it changes nothing.

    The folder is made in NUMBA_CACHE_DIR, or else in var/numba-cache, or, where that can't be written to, in a folder for temporary files.
    """
    given = Path(environ[VARIABLE]) if environ.get(VARIABLE) else _writable(root / "var" / "numba-cache")
    base = given.parent if given.name.startswith(_PREFIX) else given
    folder = base / (_PREFIX + digest(root, switch=environ.get(SWITCH, "auto")))
    with suppress(OSError):
        os.utime(folder)  # so that `prune` knows the ones in use
    environ[VARIABLE] = str(folder)
    return folder


def prune(base: Path) -> None:
    """Remove from `base` all folders of kernels but the KEPT that were used last."""
    folders = [path for path in base.glob(f"{_PREFIX}*") if path.is_dir() and not path.is_symlink()]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def digest(root: Path = ROOT, versions: Mapping[str, str] | None = None, switch: str = "auto") -> str:
    """Of the sources of all kernels in `root`, of the compilers' versions (None: the installed ones), and of what chooses kernels."""
    made = blake2b(f"{switch}\0".encode(), digest_size=8)
    for path in sources(root):
        made.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    for name in _COMPILERS:
        made.update(f"{name} {version(name) if versions is None else versions[name]}\0".encode())
    return made.hexdigest()


def sources(root: Path = ROOT) -> list[Path]:
    """All of engine/, the modules elsewhere that name Numba, and our modules that these import, in order."""
    texts = {path: path.read_text(encoding="utf-8") for package in PACKAGES for path in (root / package).rglob("*.py")}
    kernels = [path for path, text in texts.items() if "numba" in text]
    imported = [path for kernel in kernels for path in _imported(root, texts[kernel])]
    return sorted({*kernels, *imported, *(path for path in texts if path.is_relative_to(root / "engine"))})


def _imported(root: Path, text: str) -> list[Path]:
    """Files in `root` that a module of this text imports."""
    names = []
    for module, listed, line in _IMPORTS.findall(text):
        names += [module, *(f"{module}.{member.strip()}" for member in (listed or line).split(","))]
    return [path for name in names if (path := root.joinpath(*name.split(".")).with_suffix(".py")).is_file()]


def _writable(folder: Path) -> Path:
    """`folder`, or a folder of this user alone among the temporary ones: whoever can write into a cache can run code here."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    mine = Path(tempfile.gettempdir()) / f"larder-kernels-{os.getuid()}"
    with suppress(OSError):
        mine.mkdir(mode=0o700, exist_ok=True)
        state = mine.lstat()
        if mine.is_dir() and not mine.is_symlink() and state.st_uid == os.getuid() and not state.st_mode & 0o022:
            return mine
    return Path(tempfile.mkdtemp(prefix="larder-kernels-"))
