"""From the command line to a running platform."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from embassy.platform.env import BadEnvironment
from embassy.platform.launcher import runfile, services
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.guard import run_guarded
from embassy.platform.launcher.home import Home, open_home
from embassy.platform.launcher.launch import Launch, prepare_launch
from embassy.platform.launcher.lock import take_lock
from embassy.platform.launcher.logfile import LogFile
from embassy.platform.launcher.options import Options, read_options
from embassy.platform.launcher.ports import check_port
from embassy.platform.launcher.services import Table
from embassy.platform.launcher.supervisor import Supervisor
from embassy.platform.launcher.sweep import leftovers, sweep
from embassy.platform.launcher.terminal import Terminal

ROOT = Path(__file__).resolve().parents[3]

MakeTable = Callable[[Launch], Table]


def main(arguments: Sequence[str], make_table: MakeTable = services.service_table) -> int:
    """Run until stopped. Returns the exit code: 0 after a stop, 1 after a failure to start or go on."""
    options = read_options(arguments)
    try:
        home = open_home(options.home)
        os.umask(0o077)
        lock = take_lock(home.run / "lock")
    except (LaunchError, OSError) as error:
        return _refuse(error)
    with lock:
        code = run_guarded(home.path, lambda: _supervise(options, home, make_table))
        runfile.remove(home)
        home.remove_short_folders()
    if code < 0:
        return _refuse(
            f"The supervisor was killed by {signal.Signals(-code).name}. Everything it ran has been stopped."
        )
    return code


def _supervise(options: Options, home: Home, make_table: MakeTable) -> int:
    terminal = Terminal(options.detail, LogFile(home.log("launcher")))
    try:
        return asyncio.run(_run(options, home, terminal, make_table))
    except (LaunchError, BadEnvironment, OSError) as error:
        terminal.bad("embassy", str(error))
        return 1


async def _run(options: Options, home: Home, terminal: Terminal, make_table: MakeTable) -> int:
    _clear_leftovers(home, terminal)
    launch = prepare_launch(options, home, ROOT, terminal)
    table = services.select(make_table(launch), options.only)
    services.check_stores(table, launch)
    if any(service.name == "web" for service in table):
        check_port(options.host, options.port)
    supervisor = Supervisor(table, home, terminal)
    _listen(supervisor, options)
    announcing = asyncio.create_task(_announce(supervisor, launch, table, terminal))
    code = await supervisor.run()
    announcing.cancel()
    runfile.remove(home)
    terminal.note("embassy", "stopped")
    return code


def _clear_leftovers(home: Home, terminal: Terminal) -> None:
    runfile.remove(home)
    if count := sweep(leftovers(home.path)):
        terminal.note(
            "embassy", f"ended {count} left-over process{'es' if count > 1 else ''} of an earlier run"
        )


def _listen(supervisor: Supervisor, options: Options) -> None:
    """Let signals, and the end of standard input where that was asked for, stop the platform."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.request_stop)
    if options.until_eof:

        def read() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin.fileno())
                supervisor.request_stop()

        loop.add_reader(sys.stdin.fileno(), read)


async def _announce(supervisor: Supervisor, launch: Launch, table: Table, terminal: Terminal) -> None:
    await supervisor.ready(services.STORES)
    runfile.write(launch.home, launch.shared_env)
    await supervisor.ready_for_requests()
    terminal.block(_banner(launch, table))


def _banner(launch: Launch, table: Table) -> list[str]:
    facts = {"Logs": str(launch.home.logs), "Stop": f"Ctrl-C, or kill {os.getppid()}"}
    if any(service.name == "web" for service in table):
        facts = _addresses(launch) | facts
    return ["", "  Embassy is ready.", "", *(f"    {name:<9} {fact}" for name, fact in facts.items()), ""]


def _addresses(launch: Launch) -> dict[str, str]:
    """What a newcomer needs first."""
    facts = {"Console": f"{launch.url}/console/", "API": f"{launch.url}/v1", "Docs": f"{launch.url}/docs"}
    for name, file in (
        ("Set up", launch.home.set_up_link),
        ("API key", launch.home.first_key),
        ("Sign in", launch.home.first_sign_in),
    ):
        if file.exists():
            facts[name] = f"{file.read_text().strip()}  (in {file})"
    return facts


def _refuse(reason: object) -> int:
    print(reason, file=sys.stderr)
    return 1
