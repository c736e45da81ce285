"""What other threads leave for the one that owns the engine of a preview (ssg.preview.session)."""

import queue
import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Wish:
    """A file that somebody waits for."""

    path: str
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False, slots=True)
class Listener:
    """An open page: the file that it shows, its address (a decoded path), the version that it has, and the messages
    that it gets (None: the end).
    """

    path: str
    address: str = ""
    version: str = ""
    is_gone: bool = False
    messages: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)


Note = frozenset[str] | Wish | Listener | None
"""What changed, by path; who waits; an open page; None: the end."""
