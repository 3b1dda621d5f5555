"""Starts the whole platform with one command and keeps it running: see docs/launcher.md."""
