"""The programs that a standby can fork, and how a freshly forked process becomes one of them."""

import gc
import importlib
import io
import logging
import os
import random
import signal
import sys
import traceback
from dataclasses import dataclass
from typing import NoReturn

from embassy.platform.forkserver import linux
from embassy.platform.forkserver.protocol import Request

FAILED = 1


@dataclass(frozen=True)
class Program:
    """A package with `preload.ENVIRONMENT`, `preload.preload()` and `__main__.main(argv) -> int`."""

    name: str

    def set_environment(self) -> None:
        """Set what the program's libraries read at import; call it before anything heavy is imported."""
        os.environ.update(self._environment())

    def preload(self) -> None:
        """Do the imports, then move all objects out of the collector's sight so that forks share their pages.

        Raises RuntimeError if the imports left a thread behind: a fork copies its locks, but not the thread.
        """
        importlib.import_module(f"{self.name}.preload").preload()
        importlib.import_module(f"{self.name}.__main__")
        if (threads := linux.thread_count()) != 1:
            raise RuntimeError(f"{self.name} has {threads} threads after preload(); a standby must have one")
        gc.collect()
        gc.freeze()

    def run(self, request: Request, log: int) -> NoReturn:
        """Turn this freshly forked process into the program: surroundings, `main`, exit."""
        code = FAILED
        try:
            self._enter(request, log)
            code = importlib.import_module(f"{self.name}.__main__").main(request.argv)
        except SystemExit as stop:
            code = _exit_code(stop)
        except BaseException:  # noqa: BLE001 - the outermost frame: the log gets it, the exit code tells it
            traceback.print_exc()
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _enter(self, request: Request, log: int) -> None:
        os.setsid()
        _redirect(log)
        os.chdir(request.cwd)
        os.environ.clear()
        os.environ.update(self._environment() | request.env)
        sys.argv = [self.name, *request.argv]
        _reset_signals()
        _reseed()
        linux.set_process_name(self.name.removeprefix("embassy."))
        gc.enable()

    def _environment(self) -> dict[str, str]:
        environment: dict[str, str] = importlib.import_module(f"{self.name}.preload").ENVIRONMENT
        return environment


def _redirect(log: int) -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a log that is read while it is written


def _reset_signals() -> None:
    for signum in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())


def _reseed() -> None:
    # Forks of one standby would otherwise all draw the same numbers.
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)
    return FAILED
