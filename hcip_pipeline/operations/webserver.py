"""The process that serves the Dagster UI: Dagster's web application behind `UiGate`, on an inherited socket.

``interface`` runs it as ``python -m hcip_pipeline.operations.webserver FD WORKSPACE``. The token is passed in an
environment variable, which other accounts on the machine cannot see.

Belongs here: the application and its server. Does not belong here: which requests it accepts (``ui_gate``).
"""

from __future__ import annotations

import json
import os
import socket
import sys

import uvicorn
from dagster import DagsterInstance
from dagster_shared.cli import WorkspaceOpts
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
    WorkspaceProcessContext,
    workspace_opts_to_load_target,
)
from dagster_webserver.version import __version__

from hcip_pipeline.operations.ui_gate import ACCESS_VARIABLE, Access, UiGate

_GRACE_SECONDS = 5


def serve_ui(listener: socket.socket, workspace: str, access: Access) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        listener: a bound, listening socket.
        workspace: a ``workspace.yaml``.
    """
    target = workspace_opts_to_load_target(WorkspaceOpts(workspace=(workspace,)))
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        with WorkspaceProcessContext(instance, workspace_load_target=target, version=__version__) as context:
            app = create_app_from_workspace_process_context(context, live_data_poll_rate=2000)
            config = uvicorn.Config(
                UiGate(app, access),
                log_level="warning",
                access_log=False,  # the first address contains the token
                proxy_headers=False,  # a client's claims about itself must not count
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            uvicorn.Server(config).run(sockets=[listener])


def main(arguments: list[str]) -> None:
    """Take over the socket, read the access rules from their environment variable (JSON), and serve."""
    listener = socket.socket(fileno=int(arguments[0]))
    rules = json.loads(os.environ.pop(ACCESS_VARIABLE))
    serve_ui(listener, arguments[1], Access(tuple(rules["origins"]), rules["token"]))


if __name__ == "__main__":
    main(sys.argv[1:])
