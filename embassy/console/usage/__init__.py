"""The usage pages: for which time, by what, how much, in which words."""
