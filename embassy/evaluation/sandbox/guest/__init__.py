"""The program inside the sandbox. Plain Python and the standard library: it runs without the platform."""
