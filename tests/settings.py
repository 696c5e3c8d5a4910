"""Tanggap's settings in a home of the tests' own, so that a test run never touches real data."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tanggap.core import database

_place = tempfile.mkdtemp(prefix="tanggap-test-")
_maker = os.getpid()
atexit.register(lambda: os.getpid() == _maker and shutil.rmtree(_place, ignore_errors=True))
# The test cluster stays between runs, files of one run do not.
if not os.environ.get("TANGGAP_TEST_HOME"):
    os.environ["TANGGAP_TEST_HOME"] = str(database.home() / "test")
os.environ["TANGGAP_HOME"] = os.environ["TANGGAP_TEST_HOME"]
os.environ["TANGGAP_KEY_FILE"] = f"{_place}/keys.json"
os.environ["TANGGAP_ANCHOR_FILE"] = f"{_place}/anchors.jsonl"
os.environ["TANGGAP_MEDIA"] = f"{_place}/media"
os.environ["TANGGAP_PRACTICE"] = "1"
for _name in ("TANGGAP_DATABASE_ROLE", "TANGGAP_PUBLIC_URL", "TANGGAP_DEBUG"):
    os.environ.pop(_name, None)

from tanggap import messages  # noqa: E402
from tanggap.settings import *  # noqa: E402, F403

messages.compile_if_stale()

# Whatever port a server last had in this home.
PUBLIC_URL = "http://localhost:8000"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Tests need no slow hash, and no collected files.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # noqa: F405 (looked for by every client)
