"""Document generators, one module per family."""
