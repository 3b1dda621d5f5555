"""How big uploads and their parts may be, and how long they are kept."""

from datetime import timedelta

MB = 1024 * 1024
MAX_BYTES = 50 * 1024 * MB
PART_BYTES = 8 * MB  # S3 takes no part below 5 MB but the last
MOST_PARTS = 5000  # S3 takes 10,000
AT_ONCE_BYTES = 16 * MB  # what is checked while the sender waits

UNFINISHED_AGE = timedelta(days=2)  # since the last part was asked for
FINISHED_AGE = timedelta(days=7)  # how long a report is kept


def part_bytes(size: int) -> int:
    """Of a file of so many bytes: whole megabytes."""
    needed = -(-size // (MOST_PARTS * MB)) * MB
    return max(PART_BYTES, needed)
