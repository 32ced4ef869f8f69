"""Settings of the peer. MORANGO_DATABASE names the SQLite file."""

import os

SECRET_KEY = "bench"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "mptt",
    "morango",
    "tests.bench.peers.morango_site",
]
AUTH_USER_MODEL = "auth.User"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["MORANGO_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
ROOT_URLCONF = "morango.urls"
MIDDLEWARE: list[str] = []
LOGGING_CONFIG = None
