"""A standby: a process that has done a program's imports and forks it on demand in a fraction of a second.

It is generic: a program is a package with a `preload` module (`ENVIRONMENT`, `preload()`) and a
`__main__` module (`main(argv) -> int`). No Django and no machine-learning library is imported here.

Every program runs under a *warden*, a small process of its own that owns the connection to the client,
reaps the program and everything the program left behind, and ends it all when the client goes away.
`embassy.platform.children` is the client.
"""
