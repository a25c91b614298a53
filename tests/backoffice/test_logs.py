"""What stands in the logs of whoever runs the office: no query, and nothing that lets its reader in."""

import ast
import json
import logging
import logging.config
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger, SafeAtoms

from backoffice import logs
from backoffice.env import BASE_DIR

TOKEN = "Zb3-live_token"
FORMATS = {
    "backoffice/stack.py": r'access = "(.+)"',
    "docs/deploy/systemd/backoffice-web.service": r'--access-logformat "(.+)"',
    "docs/deploy/compose.yaml": r'"--access-logformat", "(.+)"\]',
}


@pytest.mark.parametrize("path", FORMATS)
def test_access_log_has_no_query_and_no_token_of_a_one_time_link(path):
    """Search terms and links are in no log (S50, S54): gunicorn writes the line itself."""
    found = re.search(FORMATS[path], (BASE_DIR / path).read_text(encoding="utf-8"))
    written = found[1].replace("%%", "%")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/welcome/{TOKEN}/",
        "RAW_URI": f"/welcome/{TOKEN}/?q=Marchbanks",
        "QUERY_STRING": "q=Marchbanks",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    assert logs.noting_path(lambda _environ, _start: [b""])(environ, lambda *_: None) == [b""]
    answer = SimpleNamespace(status="200 OK", headers=[], sent=1)

    atoms = Logger(Config()).atoms(answer, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=7))

    assert written % SafeAtoms(atoms) == "GET /welcome/-/ 200 7 ms"


def test_the_proxy_writes_no_token_and_no_query_either():
    text = (BASE_DIR / "docs" / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    (line,) = re.findall(r"log_format .+", text)
    assert "$backoffice_path" in line
    assert not re.search(r"\$(uri|request_uri|request|args|query_string)\b", line)
    assert re.search(r"map \$uri \$backoffice_path \{\s+~\^/welcome/ /welcome/-/;\s+default \$uri;\s+\}", text)


def test_what_our_own_code_tells_the_log_is_let_through():
    """A line that lacks its id, its place or its checkpoint tells whoever looks into the log nothing."""
    told = set()
    for path in (*(BASE_DIR / "cases").rglob("*.py"), *(BASE_DIR / "backoffice").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log."):
                extra = next((each.value for each in call.keywords if each.arg == "extra"), None)
                told |= {ast.literal_eval(key) for key in extra.keys} if isinstance(extra, ast.Dict) else set()
    assert {"note", "row", "pile", "case_id"} <= told
    assert told - set(logs.ALLOWED_EXTRAS) == set()


def test_what_a_library_says_of_a_path_has_no_token(capsys):
    settings = logs.logging_config("json")
    formatter = settings["formatters"]["plain"]
    made = formatter.pop("()")(**formatter)
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "Forbidden: %s", (f"/welcome/{TOKEN}/",), None)

    assert json.loads(made.format(record))["event"] == "Forbidden: /welcome/-/"
