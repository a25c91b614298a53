"""One file of settings, safe for production as it stands. What differs between machines comes from `env`."""

import gc
from datetime import timedelta
from pathlib import Path

from backoffice import embedded, unsafe
from backoffice.env import BASE_DIR, Env, database, issuer_code, origins
from backoffice.logs import logging_config

# Loading makes a million objects that stay. Looked through after every 700 new ones, as Python does by itself, they
# take a sixth of the time to start and of every page.
gc.set_threshold(50_000, 20, 20)

env = Env()

# --- Where and how -----------------------------------------------------------------------------------------
BACKOFFICE_HOME = env.home
KEY_DIR = env.key_dir
# Where signed checkpoints of the ledger are written: a folder that another machine copies or keeps.
CHECKPOINT_LOG = env.text("CHECKPOINT_LOG") or str(BACKOFFICE_HOME / "checkpoints.txt")
TOMBSTONES = env.text("TOMBSTONES") or str(BACKOFFICE_HOME / "tombstones")
DEMO: bool = env.is_demo
DEMO_SHARE = env.number("BACKOFFICE_DEMO_PERCENT", 100, low=0, high=100) / 100  # of the demo cases
DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.hidden("SECRET_KEY_FALLBACKS").replace(",", " ").split()
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.words("ALLOWED_HOSTS")]
FILE_SENDER = env.text("FILE_SENDER", "backoffice")  # how files to agencies name us
FILE_MAIL_FROM = env.text("FILE_MAIL_FROM", "files@backoffice.example.org")
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{env.number('PORT', 8000, low=1, high=65535)}").rstrip("/")
unsafe.refuse(env, is_demo=DEMO, secret_keys=[SECRET_KEY, *SECRET_KEY_FALLBACKS], hosts=ALLOWED_HOSTS)

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
ASGI_APPLICATION = "backoffice.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = False
DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y H:i"
TIME_FORMAT = "H:i"

INSTALLED_APPS = [
    "cases",
    "whitenoise.runserver_nostatic",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.middleware.OneAddress",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "backoffice.middleware.Addresses",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.middleware.SessionLimits",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "backoffice.middleware.NoStore",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cases.web.signin.middleware.SecondFactorRequired",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "backoffice.streams.FewStreams",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.static",
                "cases.templatetags.addresses",
                "cases.templatetags.icons",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cases.web.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "cases.web.drawing.ByHand"

# --- Database, caches, sessions ----------------------------------------------------------------------------
DATABASES = {
    "default": database(env.hidden("DATABASE_URL") or embedded.database_url(env), is_pooled=env.flag("DATABASE_POOLED"))
}
BROKER_URL = env.hidden("CELERY_BROKER_URL") or embedded.broker_url(env)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
    "fast": embedded.fast_cache(env.hidden("FAST_CACHE_URL") or BROKER_URL),
}
SESSION_ENGINE = "cases.web.signin.sessions"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# The row outlives the session: what is posted from a page that was left open overnight is kept for whoever it was.
SESSION_COOKIE_AGE = int(timedelta(hours=24).total_seconds())
SESSION_LONGEST_SECONDS = int(timedelta(hours=12).total_seconds())
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", 900, low=60, high=1800)
SESSION_COOKIE_NAME = "session" if DEMO else "__Host-session"
SESSION_COOKIE_SECURE = not DEMO
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "csrf" if DEMO else "__Host-csrf"
CSRF_COOKIE_SECURE = not DEMO
CSRF_COOKIE_HTTPONLY = False  # the page's script reads it to sign its own requests
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "cases.web.refusals.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Transport and content security ------------------------------------------------------------------------
SECURE_SSL_REDIRECT = not DEMO
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if DEMO else int(timedelta(days=365).total_seconds())
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEMO
SECURE_HSTS_PRELOAD = not DEMO
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer a browser sends "Origin: null", which fails the CSRF check
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if env.flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
SELF = ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": SELF,
        "style-src": SELF,
        "img-src": SELF,
        "font-src": SELF,
        "connect-src": SELF,
        "manifest-src": SELF,
        "form-action": SELF + origins(env.text("OIDC_SERVER_URL")),  # a form of ours leads on to company sign-in
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str] | str] = {
    "publickey-credentials-create": "self",
    "publickey-credentials-get": "self",
    "fullscreen": "self",
}
PERMISSIONS_POLICY |= {
    name: []
    for name in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "encrypted-media",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
        "serial",
    )
}

# --- Sign-in -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "cases.User"
AUTHENTICATION_BACKENDS = ["cases.web.signin.backend.PasswordBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "cases.web.signin.adapters.AccountAdapter"
ACCOUNT_FORMS = {"login": "cases.web.signin.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key", "reauthenticate": "10/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", 0, low=0, high=9)  # 0: X-Forwarded-For is not believed
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_REQUIRED = True
USERSESSIONS_TRACK_ACTIVITY = False  # one write a request; SessionLimits keeps the time of last use
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TOTP_ISSUER = "Backoffice"
MFA_TOTP_TOLERANCE = 0  # what proves an app; of sign-in and step-up, signin.appcodes
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ADAPTER = "cases.web.signin.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "cases.web.signin.forms.AuthenticateForm",
    "authenticate_webauthn": "cases.web.signin.forms.AuthenticateWebAuthnForm",
    "activate_totp": "cases.web.signin.forms.ActivateTOTPForm",
    "add_webauthn": "cases.web.signin.forms.AddKeyForm",
    "login_webauthn": "cases.web.signin.forms.PasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "cases.web.signin.adapters.SocialAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
OIDC_SERVER_URL = env.text("OIDC_SERVER_URL")
OIDC_ENABLED = bool(OIDC_SERVER_URL)
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": issuer_code(env.text("OIDC_SERVER_URL")),
                "name": env.text("OIDC_NAME", "Company sign-in"),
                "client_id": env.text("OIDC_CLIENT_ID"),
                "secret": env.secret("OIDC_CLIENT_SECRET", shortest=20) if OIDC_ENABLED else "",
                "settings": {"server_url": env.text("OIDC_SERVER_URL"), "uid_field": "sub"},
            }
        ]
        if OIDC_ENABLED
        else [],
    }
}

# --- Mail --------------------------------------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_PORT = env.number("EMAIL_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.hidden("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = True
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "backoffice@example.org")

# --- On call: pagers inside the firm's own networks, and who signs their certificates ------------------------
# In a demonstration the sandbox has a pager.
ON_CALL_CIDRS = env.words("ON_CALL_CIDRS") or (["127.0.0.0/8"] if DEMO else [])
ON_CALL_CA_FILE = env.text("ON_CALL_CA") or (str(BACKOFFICE_HOME / "sandbox" / "ca.pem") if DEMO else "")

# --- The firm: on letters and reports by dotted path, an invented one without it; and where in the UK its seat is -
FIRM = env.text("FIRM")
SEAT = env.choice("SEAT", "eaw", among={"eaw", "sct", "nir"})

# --- Files -------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BACKOFFICE_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "cases.web.icons.Finder",
]
STATIC_PLAIN = env.choice("BACKOFFICE_STATIC", "manifest", among={"manifest", "plain"}) == "plain"
WHITENOISE_USE_FINDERS = STATIC_PLAIN
WHITENOISE_AUTOREFRESH = False
MEDIA_ROOT = BACKOFFICE_HOME / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_PLAIN
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
# An upload is sealed as it comes in, or stays in memory until it is: a temporary file would hold it in clear.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# Large documents, sealed; and the virus scanner, `unix:/path` or `tcp:host:port`; without one documents wait.
EVIDENCE_DIR = Path(env.text("EVIDENCE_DIR") or MEDIA_ROOT / "evidence")
# An S3-compatible object store instead, to which new documents go; those in the folder stay there.
EVIDENCE_S3 = env.text("EVIDENCE_S3_URL") and {
    "url": env.text("EVIDENCE_S3_URL"),
    "name": env.text("EVIDENCE_S3_BUCKET"),
    "access_key": env.text("EVIDENCE_S3_KEY"),
    "secret_key": env.hidden("EVIDENCE_S3_SECRET"),
    "region": env.text("EVIDENCE_S3_REGION"),
    "ca_file": env.text("EVIDENCE_S3_CA_FILE"),
}
CLAMD = env.text("CLAMD") or (f"unix:{embedded.scanner_socket(env)}" if DEMO else "")

# --- API ---------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Backoffice API",
    "DESCRIPTION": "Callbacks of agencies and intake by own systems.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Histories ---------------------------------------------------------------------------------------------
SIMPLE_HISTORY_DATE_INDEX = False
SIMPLE_HISTORY_HISTORY_ID_USE_UUID = False

# --- Background work ---------------------------------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_DEFAULT_QUEUE = "pump"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ROUTES = {
    "cases.tasks.deliver_outbox": {"queue": "pump"},
    "cases.tasks.sweep": {"queue": "pump"},
    "cases.tasks.seal_ledger": {"queue": "pump"},
    "cases.tasks.ring_on_call": {"queue": "bell"},  # every worker's, so that no long work keeps somebody asleep
    "cases.tasks.send_digests": {"queue": "reports"},
    "cases.tasks.apply_callbacks": {"queue": "inbox"},
    "cases.tasks.fetch_files": {"queue": "inbox"},
    "cases.tasks.render_letters": {"queue": "reports"},
    "cases.tasks.make_reports": {"queue": "reports"},
    "cases.tasks.run_jobs": {"queue": "jobs"},
    "cases.tasks.scan_documents": {"queue": "reports"},
    "cases.tasks.check_documents": {"queue": "reports"},
}
CELERY_DB_REUSE_MAX = 10**9  # tasks: never by their number, since backoffice.celery closes what is old or broken
CELERY_TASK_TIME_LIMIT = 300  # longer than any lease
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 4 if DEMO else 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = embedded.transport_options(BROKER_URL, env)
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(BACKOFFICE_HOME / "beat")
# `expires` equals the interval: ticks that piled up while the broker was away evaporate.
CELERY_BEAT_SCHEDULE = {
    f"cases.tasks.{name}": {"task": f"cases.tasks.{name}", "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in (
        ("deliver_outbox", 5.0),
        ("apply_callbacks", 5.0),
        ("ring_on_call", 5.0),
        ("fetch_files", 60.0),
        ("render_letters", 10.0),
        ("make_reports", 5.0),
        ("run_jobs", 5.0),
        ("scan_documents", 10.0),
        ("sweep", 30.0),
        ("seal_ledger", 60.0),
        ("send_digests", 60.0),
        ("check_documents", 3600.0),
    )
}

# --- Logs: ids and codes, never names, numbers or payloads ----------------------------------------------------
LOG_FORMAT = env.choice("LOG_FORMAT", "json", among={"json", "lines"})
LOGGING = logging_config(LOG_FORMAT)
LOGGING_CONFIG = "logging.config.dictConfig"
