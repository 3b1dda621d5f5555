"""Stands in for the engine program: the same arguments and administration, and no model.

A file `manner` in its cache folder says otherwise: "deaf" never gets healthy, "exits" ends at
once with code 3 and a telling line, "stubborn" ignores SIGTERM. What it is told is written to `calls` there.
"""
