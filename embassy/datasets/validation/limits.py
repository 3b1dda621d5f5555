"""How big one piece of a dataset may be. Whole files are limited by whoever takes them."""

# A line is held in memory while it is read; a conversation that fills a long context is below 1 MB.
MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_FIELD_CHARACTERS = 1_000_000
MAX_COLLECTED_PROBLEMS = 100
MAX_SEEN_CHARACTERS = 60
MAX_IGNORED_FIELDS = 20
