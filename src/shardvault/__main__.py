"""Run the command line with ``python -m shardvault``."""

import sys

from shardvault.cli.main import main

sys.exit(main())
