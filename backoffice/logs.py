"""Application logs: what happened to which id. Values of exceptions never reach them, for they quote rows."""

import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A one-time link works until it was followed: whoever reads a log is not let in by it.
LINK = re.compile(r"(?<=/welcome/)[^/\s\"'<>]+")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def without_links(text: str) -> str:
    """Return a path, or a line that has one, without the token of a one-time link."""
    return LINK.sub("-", text)


def noting_path(application: Application) -> Application:
    """Let the access log have the path of each call without such tokens, as `%({backoffice.path}e)s`."""

    def noted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["backoffice.path"] = without_links(environ.get("PATH_INFO", ""))
        return application(environ, start_response)

    return noted


def without_link_tokens(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take the token of a one-time link out of what a library says of a path."""
    return {name: without_links(value) if isinstance(value, str) else value for name, value in event.items()}


def without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its class and the places it passed; its message may quote a person's data."""
    found = event.pop("exc_info", None)
    if not found:
        return event
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    return event


def without_task_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say of a failed task only its name and id; Celery would print the exception's text and the arguments."""
    told = getattr(event.get("_record"), "data", None)
    if isinstance(told, dict) and "name" in told and "id" in told:
        event["event"], event["task"], event["task_id"] = "task_failed", told["name"], told["id"]
    return event


def logging_config(form: str) -> dict[str, Any]:
    """Return the logging settings: `json` for machines, `lines` for a terminal."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=ALLOWED_EXTRAS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_task_values,
        without_values,
        without_link_tokens,
    ]
    last: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "CRITICAL"},  # while the broker is away: a stack for every tick
            "celery.worker": {"level": "WARNING"},
            "celery.apps": {"level": "WARNING"},
            "py.warnings": {"level": "ERROR"},
            "asyncssh": {"level": "WARNING"},  # otherwise each connection and the names of its files
            "weasyprint": {"level": "ERROR"},
            "fontTools": {"level": "ERROR"},
        },
    }


ALLOWED_EXTRAS = (
    "case_id",
    "user_id",
    "message_id",
    "callback_id",
    "channel",
    "agency",
    "job_id",
    "kind",
    "verb",
    "code",
    "count",
    "attempt",
    "http_status",
    "task",
    "status_code",
    "duration_ms",
    "error_class",
    "path",
    "job",
    "row",
    "pile",
    "file",
    "line",
    "store",
    "error",
    "why",
    "document_id",
    "letter_id",
    "size",
    "note",
)
