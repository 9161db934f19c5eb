"""What dbt says while it runs, without the cost of the rest.

Belongs here: which of dbt's events are made into messages. Does not belong here: what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager


class HeardEvents(EventManager):
    """Drops an event that nobody listens to before dbt makes a message of it; a warning goes its usual way.

    dbt fires some fifteen events a node, and writing each as a protobuf message took a tenth of a build.
    """

    def __init__(self, heard: frozenset[str]) -> None:
        super().__init__()
        self._heard = heard

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if force_warn_or_error_handling or type(e).__name__ in self._heard:
            super().fire_event(e, level, node, force_warn_or_error_handling)


@contextmanager
def heard_events(*names: str) -> Iterator[None]:
    """While this lasts, dbt's callbacks get these events and warnings, and no others."""
    before = event_manager_client.get_event_manager()
    event_manager_client.ctx_set_event_manager(HeardEvents(frozenset(names)))
    try:
        yield
    finally:
        event_manager_client.ctx_set_event_manager(before)
