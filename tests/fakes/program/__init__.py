"""A tiny program for the standby and the child-process layer: does what its first argument says."""
