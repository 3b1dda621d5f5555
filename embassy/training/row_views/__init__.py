"""Rows of a dataset as training would read them, made for people by what the trainer itself uses."""
