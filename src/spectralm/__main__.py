"""``python -m spectralm`` is the command ``spectralm``."""

import sys

from spectralm.cli import main

if __name__ == "__main__":
    sys.exit(main())
