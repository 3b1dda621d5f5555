"""`python -m embassy.engines.server …`: vLLM's API server arguments, run in this process."""

import os
import sys
import tempfile

from embassy.engines.server import preload


def main(argv: list[str]) -> int:
    """Serve until SIGTERM; returns 0 after a clean stop."""
    # Not at the top: the standby imports this module, and a cold start must set the environment first.
    preload.preload()
    _enter()
    _serve(argv)
    return 0


def _enter() -> None:
    """Make a fork see its own environment where a module has already read the standby's."""
    import torch
    import vllm.plugins

    tempfile.tempdir = None
    vllm.plugins.plugins_loaded = False
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def _serve(argv: list[str]) -> None:
    import uvloop
    from vllm.entrypoints.launchers.api_server.entry import run_server
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.logger import configure_logging_from_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    arguments = make_arg_parser(FlexibleArgumentParser(prog="engine")).parse_args(argv)
    configure_logging_from_args(arguments)
    validate_parsed_serve_args(arguments)
    uvloop.run(run_server(arguments))


if __name__ == "__main__":
    os.environ |= preload.ENVIRONMENT | os.environ
    sys.exit(main(sys.argv[1:]))
