"""`python -m embassy.platform.forkserver --socket PATH --program PACKAGE`: preload, then fork on demand.

The socket appears once the imports are done, so whoever can connect gets a child at once.
"""

import argparse
import os
import sys
from pathlib import Path

from embassy.platform.forkserver.program import Program
from embassy.platform.forkserver.server import AlreadyServedError, Server


def main(argv: list[str]) -> int:
    """Serve until told to stop; returns 1 if the socket is already served."""
    parser = argparse.ArgumentParser(prog="forkserver", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--program", required=True)
    options = parser.parse_args(argv)
    program = Program(options.program)
    program.set_environment()
    program.preload()
    try:
        Server(program, options.socket).serve()
    except AlreadyServedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # preloaded libraries would only complain, at length, about being taken down
