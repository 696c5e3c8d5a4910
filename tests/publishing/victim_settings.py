"""The tests' settings, with the files of the test that starts the victim."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403

HOME = Path(os.environ["VICTIM_HOME"])
KEY_FILE = Path(os.environ["VICTIM_KEYS"])
