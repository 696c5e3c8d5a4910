"""One settings file; every value that differs between machines comes from the environment.

The variables are documented in docs/reference/environment.md, which a test keeps complete.
"""

from __future__ import annotations

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from tanggap.core import database
from tanggap.health import logs

env = environ.Env()
ROOT = Path(__file__).resolve().parent.parent
HOME = database.home()

DEBUG = env.bool("TANGGAP_DEBUG", default=False)
# The demo and the tests run in practice mode: a moved clock and a network on loopback.
PRACTICE = env.bool("TANGGAP_PRACTICE", default=False)
SECRET_KEY = env.str("TANGGAP_SECRET_KEY", default="") or database.local_secret()
ALLOWED_HOSTS = env.list("TANGGAP_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PUBLIC_URL = env.str("TANGGAP_PUBLIC_URL", default=database.local_address()).rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
PROXIES = env.int("TANGGAP_PROXIES", default=0)
# Exact host:port values that the outbound door may reach although they are private.
PRIVATE_HOSTS = env.list("TANGGAP_PRIVATE_HOSTS", default=[])
EGRESS_PROXY = env.str("TANGGAP_EGRESS_PROXY", default="")
# The hub that is told when the public feeds have something new (WebSub); none when empty.
WEBSUB_HUB = env.str("TANGGAP_WEBSUB_HUB", default="")
# Keys of encrypted credentials: "id:base64" pairs, newest first; kept apart from the database.
KEY_FILE = Path(env.str("TANGGAP_KEY_FILE", default=str(HOME / "keys.json")))
ANCHOR_FILE = Path(env.str("TANGGAP_ANCHOR_FILE", default=str(HOME / "anchors.jsonl")))
# Who shows it as a bearer token may read /metrics; without one that address does not exist.
METRICS_TOKEN = env.str("TANGGAP_METRICS_TOKEN", default="")
MEDIA_ROOT = Path(env.str("TANGGAP_MEDIA", default=str(HOME / "media")))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_cotton",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "pgtrigger",
    "procrastinate.contrib.django",
    "tanggap.core",
    "tanggap.office",
    "tanggap.archive",
    "tanggap.accounts",
    "tanggap.planning",
    "tanggap.activities",
    "tanggap.messaging",
    "tanggap.execution.publishing",
    "tanggap.execution.inbox",
    "tanggap.execution.followup",
    "tanggap.monitoring",
    "tanggap.health",
    "tanggap.desk",
    "tanggap.public",
]

MIDDLEWARE = [
    "tanggap.health.doors.doors",
    "tanggap.core.proxy.real_address",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "tanggap.desk.readable.readable",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

if PRACTICE:
    MIDDLEWARE.append("tanggap.practice.story.bar.StoryBar")

ROOT_URLCONF = "tanggap.urls"
ASGI_APPLICATION = "tanggap.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tanggap.desk.context.shell",
            ],
            "builtins": ["tanggap.desk.templatetags.words"],
        },
    }
]
COTTON_DIR = "cotton"

DATABASES = {"default": database.config()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "core.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tanggap.desk.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# The invitation reached the address, which proves it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_PASSKEY_LOGIN_ENABLED = True
# A code that is typed in its last second arrives in the next half minute: RFC 6238, 5.2.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "tanggap.desk.signin.CodeAtSignIn",
    "reauthenticate": "tanggap.desk.signin.CodeAgain",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or PRACTICE
# Verbs that speak for the agency ask for a passkey or an authenticator app first. Off only in
# practice, where nothing leaves this machine.
SECOND_FACTOR = env.bool("TANGGAP_SECOND_FACTOR", default=not PRACTICE)
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "tanggap.desk.signin.typed_name"
# axes alone counts failures: by name and address, so that one office is never locked out whole.
ACCOUNT_RATE_LIMITS = {"login_failed": None}
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "tanggap.desk.signin.locked_out"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "frame-src": [SELF],
    }
}

LANGUAGE_CODE = "id"
LANGUAGES = [("id", _("Indonesian")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "Asia/Jakarta"

STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG or PRACTICE

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("TANGGAP_MAIL_FROM", default="tanggap@localhost")

# "line" for people, "json" for machines; both leave out secrets and personal data.
LOG_FORMAT = env.str("TANGGAP_LOG_FORMAT", default="line")
LOGGING = logs.config(LOG_FORMAT, env.str("TANGGAP_LOG_LEVEL", default="WARNING"))
