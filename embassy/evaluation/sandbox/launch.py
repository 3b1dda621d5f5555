"""Run by root: give up being root, then become the sandbox's program. A plain script, used with -I -S.

The kernel's limit on processes does not bind root, and a sandbox should not start out with rights. But the
other user may not be able to reach Python itself, where that lives under /root, so its folders are first
shown to it in a mount namespace of this process alone. Takes one argument: `Orders` as JSON.
"""

import ctypes
import json
import os
import stat
import sys
from typing import NoReturn

_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_MS_NOSUID, _MS_NODEV = 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    orders = json.loads(sys.argv[1])
    os.umask(0o022)
    try:
        show(orders["paths"])
        become(orders["uid"])
        os.execv(orders["command"][0], orders["command"])  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot start as user {orders['uid']}: {error}")


def show(paths: list[str]) -> None:
    """Make these paths reachable for everybody, as far as this process and its children see it."""
    roots = sorted({root for path in paths if (root := closed_folder(path))})
    if not roots:
        return
    problem = f"Python lies below {roots[0]}, which is closed to that user; install it elsewhere"
    _check(_libc.unshare(_CLONE_NEWNS), problem)
    mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    hidden = {path: os.open(path, os.O_PATH) for path in paths if closed_folder(path)}
    for root in roots:
        mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    for path, descriptor in hidden.items():
        make_mount_point(path, is_folder=stat.S_ISDIR(os.fstat(descriptor).st_mode))
        mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        os.close(descriptor)
    for root in roots:
        mount(None, root, None, _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)


def closed_folder(path: str) -> str | None:
    """The topmost folder on the way to `path` that others may not pass."""
    folder = "/"
    for part in path.strip("/").split("/")[:-1]:
        folder = os.path.join(folder, part)
        if not os.stat(folder).st_mode & stat.S_IXOTH:
            return folder
    return None


def make_mount_point(path: str, *, is_folder: bool) -> None:
    os.makedirs(path if is_folder else os.path.dirname(path), mode=0o755, exist_ok=True)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    result = _libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _check(result, f"a mount at {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{os.strerror(code)} ({what})")


if __name__ == "__main__":
    main()
