"""Where the shipped artefacts lie."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "tiny-llama-instruct"
SAMPLES = ROOT / "samples"
TICKETS = SAMPLES / "support-tickets"
