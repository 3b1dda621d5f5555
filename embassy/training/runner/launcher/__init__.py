"""Starts the processes of one run by accelerate; `main` takes the arguments of `accelerate launch`."""
