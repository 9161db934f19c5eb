"""An S3-compatible server (moto) in its own process."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest


@contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[str]:
    """Start a server with an empty bucket and yield its address, to which the environment points.

    Args:
        folder: where to write the server's log.
    """
    log = folder / "log"
    with log.open("wb") as stream, pytest.MonkeyPatch.context() as patch:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=stream, stderr=stream
        )
        try:
            patch.setenv("AWS_ENDPOINT_URL", _address_in(log, server))
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            fsspec.get_filesystem_class("s3").clear_instance_cache()  # it may have the server of another module
            fsspec.filesystem("s3").mkdir(bucket)
            yield f"s3://{bucket}"
        finally:
            server.kill()
            server.wait()


def _address_in(log: Path, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        for word in log.read_text(encoding="utf-8", errors="replace").split():
            if word.startswith("http://127.0.0.1:"):
                urllib.request.urlopen(f"{word}/moto-api/").close()
                return word
        time.sleep(0.1)
    raise AssertionError(f"no S3 server: {log.read_text(encoding='utf-8', errors='replace')}")
