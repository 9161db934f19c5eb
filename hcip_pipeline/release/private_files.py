"""Files and folders of a release that only their owner and group may read (docs/deployment.md, "Who may read what")."""

from __future__ import annotations

import stat
from pathlib import Path

#: released files and folders must not be readable by every user of the machine
FILE_MODE = 0o640
FOLDER_MODE = 0o750


def private_folder(folder: Path) -> None:
    """Create a folder, and missing parents, that other users of the machine cannot read."""
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private(file: Path) -> None:
    """Remove other users' permissions from a file that a library wrote."""
    file.chmod(stat.S_IMODE(file.stat().st_mode) & FILE_MODE)
