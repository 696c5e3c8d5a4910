"""The product's settings for a bench's bounded form: static files as they lie, which spares their
gathering, and passwords hashed as the tests hash them. Roles, keys and walls are the product's."""

from tanggap.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
