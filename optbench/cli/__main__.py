"""``python -m optbench.cli``."""

import sys

from optbench.cli import main

sys.exit(main())
