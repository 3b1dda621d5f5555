"""Tells the tasks of a worker that it is being shut down.

Celery tells only its main process, and waits for tasks that run for hours. This is one byte of memory that
the main process shares with the pool processes it forks: those look at it while they work.
"""

import mmap

_announced = mmap.mmap(-1, 1)


def announce() -> None:
    _announced[0] = 1


def is_announced() -> bool:
    return _announced[0] == 1
