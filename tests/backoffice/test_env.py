"""The environment is read typed; every fault is one sentence that says what to set."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice.env import Env, database

LONG = "x" * 60


@pytest.mark.parametrize(
    ("word", "expected"), [("1", True), ("yes", True), ("ON", True), ("0", False), ("no", False), ("", False)]
)
def test_flag_reads_the_usual_words(word: str, expected: bool) -> None:
    assert Env({"X": word}).flag("X") is expected


def test_flag_is_refused_when_the_word_is_neither_yes_nor_no() -> None:
    with pytest.raises(ImproperlyConfigured, match="^X must be 1 or 0, not 'maybe'.$"):
        Env({"X": "maybe"}).flag("X")


@pytest.mark.parametrize("raw", ["80a", "-1", "70000", "٣", "1.5"])
def test_number_is_refused_when_out_of_bounds_or_no_number(raw: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORT must be a whole number from 1 to 65535"):
        Env({"PORT": raw}).number("PORT", 8000, low=1, high=65535)


def test_secret_prefers_the_credential_then_the_named_file_then_the_variable_then_the_home(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("credentials", "home")}
    for folder in places.values():
        folder.mkdir()
    (places["credentials"] / "secret_key").write_text("c" + LONG)
    (places["home"] / "secret_key").write_text("h" + LONG)
    (tmp_path / "named").write_text("f" + LONG)
    for file in (places["credentials"] / "secret_key", places["home"] / "secret_key", tmp_path / "named"):
        file.chmod(0o600)
    values = {
        "CREDENTIALS_DIRECTORY": str(places["credentials"]),
        "SECRET_KEY_FILE": str(tmp_path / "named"),
        "SECRET_KEY": "v" + LONG,
        "BACKOFFICE_HOME": str(places["home"]),
    }

    found = []
    for name in ("CREDENTIALS_DIRECTORY", "SECRET_KEY_FILE", "SECRET_KEY", None):
        found.append(Env(values).secret("SECRET_KEY")[0])
        values = {key: value for key, value in values.items() if key != name}

    assert "".join(found) == "cfvh"


def test_secret_is_refused_when_missing_or_short(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="There is no SECRET_KEY"):
        Env({"BACKOFFICE_HOME": str(tmp_path)}).secret("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match="too short"):
        Env({"BACKOFFICE_HOME": str(tmp_path), "SECRET_KEY": "short"}).secret("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match="missing, empty or not readable"):
        Env({"BACKOFFICE_HOME": str(tmp_path), "SECRET_KEY_FILE": "/nowhere"}).secret("SECRET_KEY")


def test_other_commands_take_the_mode_of_the_stack_in_their_home(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"demo": True}))
    home = {"BACKOFFICE_HOME": str(tmp_path)}

    assert Env(home).is_demo is True
    assert Env({**home, "BACKOFFICE_DEMO": "0"}).is_demo is False
    assert Env({**home, "DATABASE_URL": "postgresql:///x"}).is_demo is False
    assert Env({"BACKOFFICE_HOME": str(tmp_path / "other")}).is_demo is False


def test_keys_come_from_the_credentials_folder_when_there_is_one(tmp_path: Path) -> None:
    assert Env({"BACKOFFICE_HOME": "/srv/b"}).key_dir == Path("/srv/b/keys")
    assert Env({"BACKOFFICE_HOME": "/srv/b", "CREDENTIALS_DIRECTORY": "/run/c"}).key_dir == Path("/run/c")


def test_database_url_is_taken_apart() -> None:
    entry = database("postgresql://kim:p%40ss@db.example.org:5433/office?sslmode=verify-full&application_name=web")

    assert {key: entry[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")} == {
        "NAME": "office",
        "USER": "kim",
        "PASSWORD": "p@ss",
        "HOST": "db.example.org",
        "PORT": "5433",
        "OPTIONS": {
            "connect_timeout": "10",
            "prepare_threshold": 0,
            "sslmode": "verify-full",
            "application_name": "web",
        },
    }


def test_database_behind_a_pooler_of_transactions_has_nothing_prepared() -> None:
    for is_pooled in (False, True):
        entry = database("postgresql:///office", is_pooled=is_pooled)

        assert entry["DISABLE_SERVER_SIDE_CURSORS"] is is_pooled
        assert entry["OPTIONS"]["prepare_threshold"] == (None if is_pooled else 0)


def test_database_url_may_name_a_socket_folder() -> None:
    assert database("postgresql://kim@/office?host=/run/pg")["HOST"] == "/run/pg"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:///x.db", "no other database is supported"),
        ("postgresql://kim@localhost", "must name a database"),
        ("postgresql://kim@db.example.org/office", "without TLS"),
        ("postgresql://kim@db.example.org/office?sslmode=prefer", "without TLS"),
    ],
)
def test_database_url_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        database(url)


def test_secret_that_others_make_may_be_shorter_than_our_own(tmp_path: Path) -> None:
    env = Env({"BACKOFFICE_HOME": str(tmp_path), "OIDC_CLIENT_SECRET": "x" * 32})

    assert env.secret("OIDC_CLIENT_SECRET", shortest=20) == "x" * 32
    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_SECRET is too short: at least 50 characters"):
        env.secret("OIDC_CLIENT_SECRET")
