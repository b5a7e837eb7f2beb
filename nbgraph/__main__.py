"""``python -m nbgraph`` is the command line."""

import sys

from nbgraph.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
