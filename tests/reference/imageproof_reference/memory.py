"""How the C library keeps memory: so that pictures are quick to make and what they took is given back."""

from __future__ import annotations

import ctypes

MIB = 1024 * 1024
# Numbers of glibc's malloc.h and what they are set to. By itself glibc keeps a heap for every thread that ever made a
# large picture, and hands a small picture fresh pages each time, which takes longer than to draw it.
SETTINGS = {
    -8: 1,  # M_ARENA_MAX: one heap for all threads
    -3: 16 * MIB,  # M_MMAP_THRESHOLD: what is larger has pages of its own, given back at once
    -1: 48 * MIB,  # M_TRIM_THRESHOLD: so much of the heap's end is kept for the next picture
}


def settle() -> None:
    """Set up malloc for a process that serves pictures, before its threads begin. Another library than glibc is left
    alone."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in SETTINGS.items():
        mallopt(parameter, value)
