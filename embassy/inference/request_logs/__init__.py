"""Inputs and outputs of deployments that keep them. See docs/request-logs.md.

A request on its way costs a few appends (`inference.recording`, `book`); everything else (`entries`,
`streams`) happens when a batch is written. `rows` makes a data set of what was kept.
"""
