"""`python -m embassy.platform.launcher`, from the repository's root."""

import sys

from embassy.platform.launcher.app import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
