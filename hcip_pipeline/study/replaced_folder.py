"""Replacing a folder of results as a whole: readers see all files of one run, or all files of the previous run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hcip_pipeline.errors import HcipError


@contextmanager
def replaced_folder(folder: Path, what: str, retry: str) -> Iterator[Path]:
    """A folder to write into, which replaces ``folder`` when the block ends without an error.

    Args:
        folder: where the files belong.
        what: name of the results for the error message, such as "the study".
        retry: what to do once there is space or permission, such as "run the study again".

    Raises:
        HcipError: the folder cannot be written; an earlier run's files are left unchanged.
    """
    work = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        yield work
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    except OSError as error:
        raise HcipError(
            f"{what} could not be written: {error.strerror}",
            file=error.filename or folder,
            fix=f"free disk space or grant write permission, and {retry}",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
