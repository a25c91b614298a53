"""The coverage table is whole, in the design's words, and claims nothing whose code or test is not there."""

import ast
import csv
import re

from django.apps import apps
from django.conf import settings

from tests.docs.pages import ROOT

STATES = ("done", "part", "not yet")


def _rows() -> list[list[str]]:
    lines = (ROOT / "docs/coverage.md").read_text().splitlines()
    table = [line for line in lines if re.match(r"\| R\d", line)]
    return [[cell.strip().replace("\\", "") for cell in line.strip("|").split(" |")] for line in table]


def _design() -> list[list[str]]:
    with (ROOT / "tests/data/requirements.csv").open(newline="", encoding="utf-8") as file:
        return [[row["id"], row["notice"], row["behaviour"]] for row in csv.DictReader(file)]


def _named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_each_sentence_of_the_notice_is_there_once_in_the_designs_words():
    assert [row[0] for row in _rows()] == [f"R{number}" for number in range(1, 102)]
    assert [row[:3] for row in _rows()] == _design()


def test_states_are_three_and_counted():
    states = [row[3] for row in _rows()]
    counted = f"{states.count('done')} done, {states.count('part')} in part, {states.count('not yet')} not yet."

    assert set(states) <= set(STATES)
    assert counted in (ROOT / "docs/coverage.md").read_text()


def test_what_is_built_names_its_code_and_what_is_done_its_test():
    for identity, _, _, state, code, test, note in _rows():
        assert bool(_named(code)) == (state != "not yet"), identity
        assert _named(test) or state != "done", identity
        assert note, identity


def test_every_file_and_test_named_exists():
    missing = []
    for row in _rows():
        missing += [path for path in _named(row[4]) if not (ROOT / path).exists()]
        missing += [name for name in _named(row[5]) if not _has_test(name)]

    assert missing == []


def _has_test(name: str) -> bool:
    path, _, function = name.partition("::")
    return (ROOT / path).exists() and f"def {function}(" in (ROOT / path).read_text()


def test_no_customers_password_is_kept_and_staffs_are_hashed():
    columns = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_app_config("cases").get_models()
        for field in model._meta.concrete_fields
        if re.search("passw|credential|security_answer", field.name)
    }
    design = (ROOT / "backoffice/settings.py").read_text()

    assert columns == {"cases.User.password"}
    assert design.index("Argon2PasswordHasher") < design.index("PBKDF2PasswordHasher")
    assert settings.AUTH_USER_MODEL == "cases.User"


def test_what_leaves_with_personal_data_goes_through_the_register():
    """One place promises messages and one files; beside the register only the reminder posts, which names our earlier
    message and nothing else. Whoever promises a file registers it in the same function, or all who call it do."""
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "cases").rglob("*.py")}
    makers = {name for name, text in sources.items() if re.search(r"OutboxMessage(\.objects\.\w*create)?\(", text)}
    posting = {name for name, text in sources.items() if "outbox.post(" in text}
    calls = {(name, *each) for name, text in sources.items() for each in _calls(text, *PROMISE_A_FILE)}

    assert makers == {"cases/kernel/outbox.py", "cases/kernel/exchange/files.py", "cases/kernel/models/delivery.py"}
    assert posting == {"cases/kernel/releases.py", "cases/kernel/exchange/chase.py"}
    assert calls == {
        ("cases/credit/files/sending.py", "send_to_each", True),
        ("cases/debt/messages.py", "tell", True),
        ("cases/debt/moratorium/messages.py", "forward", True),
        ("cases/debt/sale/messages.py", "_promise", True),
        ("cases/debt/sale/messages.py", "send_ready", True),
        ("cases/debt/takeout.py", "promise", False),
    }
    # What is promised for a batch is registered line by line: by whoever promises it anew, or by the act that releases.
    through = {(name, *each) for name, text in sources.items() for each in _calls(text, "takeout.promise")}
    through |= {("cases/debt/takeout.py", *each) for each in _calls(sources["cases/debt/takeout.py"], "promise")}
    assert through == {("cases/debt/batches.py", "_promise", False), ("cases/debt/takeout.py", "promise_anew", True)}
    assert 'transitions.apply(line.pk, "release"' in sources["cases/debt/batches.py"]
    assert ("release", True) in _calls(sources["cases/debt/effects.py"], "messages.register")


def test_a_file_that_nobody_registers_is_seen():
    """What the test above looks with finds a promise without a register, and one that is only spoken of."""
    sale = (ROOT / "cases/debt/sale/messages.py").read_text()
    found = _calls(sale.replace("releases.record(", "releases.check("), *PROMISE_A_FILE)
    assert sorted(found) == [("_promise", False), ("send_ready", False)]
    assert _calls('def speak():\n    """files.promise()"""\n', *PROMISE_A_FILE) == []


PROMISE_A_FILE = ("files.promise", "files.promise_to_each")
REGISTER = {"releases.record", "register", "messages.register"}


def _calls(text: str, *wanted: str) -> list[tuple[str, bool]]:
    """Return every function of a module that calls one of these, and whether it also registers what leaves."""
    found = []
    for function in (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef)):
        called = {ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)}
        if called & set(wanted):
            found.append((function.name, bool(called & REGISTER)))
    return found
