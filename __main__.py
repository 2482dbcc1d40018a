"""`python -m nasc`: the same as the `nasc` command."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
