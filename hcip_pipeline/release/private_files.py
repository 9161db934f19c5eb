"""Files and folders of a release that only their owner and group may read (docs/deployment.md, "Who may read what")."""

from __future__ import annotations

import stat
from pathlib import Path

#: nothing that is written here may be read by every user of the machine
FILE_MODE = 0o640
FOLDER_MODE = 0o750


def private_folder(folder: Path) -> None:
    """Make a folder (and those above it that are missing) that others on the machine cannot look into."""
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private(file: Path) -> None:
    """Take from a file that some library wrote what others on the machine might do with it."""
    file.chmod(stat.S_IMODE(file.stat().st_mode) & FILE_MODE)
