"""The memory that pictures take: how many of them have it at once, and how the C library keeps it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MIB = 1024 * 1024
# Numbers of glibc's malloc.h and what they are set to. By itself glibc keeps a heap for every thread that ever made a
# large picture, and hands a small picture fresh pages each time, which takes longer than to draw it.
SETTINGS = {
    -8: 1,  # M_ARENA_MAX: one heap for all threads
    -3: 8 * MIB,  # M_MMAP_THRESHOLD: what is larger has pages of its own, given back at once
    -1: 48 * MIB,  # M_TRIM_THRESHOLD: so much of the heap's end is kept for the next picture
}


class Gate:
    """Lets threads in one after the other as long as the pictures of all who are inside have no more than `pixels`
    pixels; whoever has more goes in alone."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._taken = 0
        self._queue = threading.Lock()  # so that the small ones do not pass by a large one for ever
        self._left = threading.Condition()

    @contextmanager
    def entered(self, pixels: int) -> Iterator[None]:
        """Wait for room, and keep it until the block is left."""
        with self._queue, self._left:
            self._left.wait_for(lambda: not self._taken or self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._left:
                self._taken -= pixels
                self._left.notify_all()


def settle() -> None:
    """Set up malloc for a process that serves pictures, before its threads begin. Another library than glibc is left
    alone."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in SETTINGS.items():
        mallopt(parameter, value)
