"""The command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.launcher.home import default_path
from embassy.platform.launcher.terminal import Detail


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    only: tuple[str, ...] = ()
    detail: Detail = Detail.NORMAL
    durable: bool = True
    until_eof: bool = False


def read_options(arguments: Sequence[str]) -> Options:
    """Parse the arguments; leaves with exit code 2 and a usage line where they are wrong."""
    given = _parser().parse_args(arguments)
    detail = Detail.QUIET if given.quiet else Detail.VERBOSE if given.verbose else Detail.NORMAL
    only = tuple(name.strip() for name in given.only.split(",") if name.strip())
    return Options(given.home, given.host, given.port, only, detail, not given.no_fsync, given.until_eof)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m embassy.platform.launcher", description="Starts the platform."
    )
    parser.add_argument(
        "--home",
        type=Path,
        default=default_path(),
        help="where everything is kept (EMBASSY_HOME, or .embassy)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument("--only", default="", metavar="NAME,…", help="start these services only")
    detail = parser.add_mutually_exclusive_group()
    detail.add_argument("--quiet", action="store_true", help="print failures only")
    detail.add_argument("--verbose", action="store_true", help="print every line that a service writes")
    parser.add_argument(
        "--no-fsync", action="store_true", help="faster stores that lose data in a power cut: for tests"
    )
    parser.add_argument(
        "--until-eof", action="store_true", help="stop when standard input ends: for a parent process"
    )
    return parser
