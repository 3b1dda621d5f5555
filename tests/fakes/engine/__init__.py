"""Stands in for the engine program: the same arguments and administration, and no model.

A file `manner` in its cache folder says otherwise: "deaf" never gets healthy, "exits" ends at
once with code 3 and a telling line, "stubborn" ignores SIGTERM, "stuck" has a core that says nothing,
"working" has a request in flight, "no room" cannot wake up again. What it is told is written to `calls`
there.
"""
