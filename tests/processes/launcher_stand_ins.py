"""A launcher whose services are small stand-ins: `python -m tests.processes.launcher_stand_ins TABLE …`."""

import sys
from dataclasses import replace
from functools import partial

from embassy.platform.launcher import probes
from embassy.platform.launcher.app import main
from embassy.platform.launcher.launch import Launch
from embassy.platform.launcher.service import Service

SLEEPS = "import time; time.sleep(600)"
# Starts a grandchild in a session of its own that ignores TERM.
HAS_GRANDCHILD = """
import subprocess, sys, time
deaf = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
deaf += sys.argv[2] + "; open(sys.argv[1], 'w').write('up'); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", deaf, sys.argv[1], "deaf"], start_new_session=True)
time.sleep(600)
"""
# A new title overwrites the environment, and with it the mark.
LOSES_MARK = "; import setproctitle; setproctitle.setproctitle(sys.argv[1] + ' deaf')"


def _python(launch: Launch, name: str, code: str, *arguments: str) -> Service:
    return Service(name, (sys.executable, "-c", code, *arguments), launch.service_env, launch.home.path)


def grandchild(launch: Launch, more: str = "") -> tuple[Service, ...]:
    up = launch.home.run / "grandchild.up"
    service = _python(launch, "parent", HAS_GRANDCHILD, str(up), more)
    return (replace(service, ready=probes.exists(up), before=partial(up.unlink, missing_ok=True)),)


def unmarked_grandchild(launch: Launch) -> tuple[Service, ...]:
    return grandchild(launch, LOSES_MARK)


def ordered(launch: Launch) -> tuple[Service, ...]:
    """Each writes its name into a diary when it starts and when it stops."""
    diary = str(launch.home.run / "diary")
    note = (
        "import sys, time, signal; note = lambda w: open(sys.argv[1], 'a').write(f'{w} {sys.argv[2]}\\n')\n"
    )
    stay = note + (
        "def end(*_):\n    note('stop'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); note('start'); time.sleep(600)"
    )
    last = replace(_python(launch, "last", stay, diary, "last"), needs=("once",))
    once = replace(
        _python(launch, "once", note + "note('start')", diary, "once"), needs=("first",), oneshot=True
    )
    first = _diarist(launch, stay, diary)
    return (last, once, first)


def _diarist(launch: Launch, code: str, diary: str) -> Service:
    async def noted() -> None:
        await probes.exists(launch.home.run / "diary")()

    return replace(_python(launch, "first", code, diary, "first"), ready=noted)


def failing(launch: Launch) -> tuple[Service, ...]:
    never = probes.exists(launch.home.run / "never")
    return (replace(_python(launch, "bad", "print('the reason'); raise SystemExit(3)"), ready=never),)


def optional(launch: Launch) -> tuple[Service, ...]:
    """The failing service again, without which the platform goes on."""
    (bad,) = failing(launch)
    return (replace(bad, essential=False, lazy=True, rest_s=0.1), _python(launch, "good", SLEEPS))


def unprepared(launch: Launch) -> tuple[Service, ...]:
    once = _python(launch, "prepare", "print('migrating'); raise SystemExit(1)")
    return (replace(once, oneshot=True, shown=True),)


def stubborn(launch: Launch) -> tuple[Service, ...]:
    """Ignores TERM."""
    up = launch.home.run / "stubborn.up"
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
        "; open(sys.argv[1], 'w').close(); time.sleep(600)"
    )
    return (replace(_python(launch, "stubborn", code, str(up)), ready=probes.exists(up)),)


def chatty(launch: Launch) -> tuple[Service, ...]:
    code = (
        "import time; print('ordinary'); open('run/up', 'w').close()\n"
        "while True: print('2026 ERROR it broke', flush=True); time.sleep(0.05)"
    )
    up = launch.home.run / "up"
    return (replace(_python(launch, "chatty", code), ready=probes.exists(up)),)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[2:], globals()[sys.argv[1]]))
