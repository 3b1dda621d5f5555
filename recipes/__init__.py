"""Scripts that make the artefacts shipped in this repository."""
