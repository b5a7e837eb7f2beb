"""What the page says to Python: one comm on which only the browser writes.

Owns the routing of a message to the view it is meant for. A message may arrive on any thread, another one from
click to click; it is handed on at once and nothing is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import anywidget

from nbgraph.views.widgets.modules import module


class Channel(anywidget.AnyWidget):
    """Carries messages ``{"to": view_id, "kind": ..., ...}`` from a page to the views that share the channel."""

    _esm = module("channel")

    def __init__(self) -> None:
        super().__init__()
        self._listeners: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.on_msg(self._heard)
        self._follow_the_browser()

    def _follow_the_browser(self) -> None:
        """Let clicks come on the browser's subshell, so that also a blocking cell hears them.

        ipykernel 7.4 sends a comm's messages to the subshell from which it last published. This comm never publishes
        again after it was opened, so forgetting that place is safe; without the private name clicks come as usual.
        """
        getattr(self.comm, "__dict__", {}).pop("_reply_subshell_id", None)

    def close(self) -> None:
        """Free the comms."""
        if self.comm is not None:
            layout = self.layout
            super().close()
            layout.close()

    def listen(self, view_id: str, listener: Any) -> None:
        """Have ``listener.hear(message)`` called for messages to ``view_id``, as long as it is alive."""
        self._listeners[view_id] = listener

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, Mapping):
            hear: Callable[[Mapping[str, Any]], None] | None
            hear = getattr(self._listeners.get(str(content.get("to"))), "hear", None)
            if hear is not None:
                hear(content)
