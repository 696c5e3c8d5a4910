"""`python -m tanggap` is the `tanggap` command."""

import sys

from tanggap.cli import main

sys.exit(main())
