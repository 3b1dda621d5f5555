"""What can go wrong while starting, each as one plain sentence for the person at the terminal."""


class LaunchError(Exception):
    """The platform cannot start; the message says what is wrong and what to do."""


class NotReady(Exception):
    """A probe's answer: not yet, and why."""
