"""What is done on a case is told in words, in its story and its report: no verb of the ledger shows as a code."""

import ast
import re
from pathlib import Path

from cases.debt.sale import lines
from cases.fraud.codes import INCOMING
from cases.kernel import casetypes
from cases.reports import words
from cases.web.onecase import story

VERB = re.compile(r"[a-z_]+\.[a-z_]+")
# Verbs that are put together when they are written, as the code that writes them says.
MADE = {f"fraud_referral.{kind}" for kind in INCOMING}
MADE |= {f"{each}_decided" for each in MADE} | {"case.work_done", "search.answered", "search.refused"}
MADE |= {f"debt_sale_account.{move}" for move in lines.MOVES}
MADE |= {f"credit_file.{became}" for became in ("delivered", "refused", "dead", "unknown", "skipped", "lost")}
# Written while a case is put together or on streams of the office, which tell of themselves.
NOT_OF_CASES = {"accounts.told", "callback.unreadable"}
NOT_OF_CASES |= {"agency.partner_key_added", "agency.partner_key_revoked", "figures.files_failed", "figures.files_made"}
NOT_OF_CASES |= {
    "access.answered",
    "access.removal_asked",
    "access.signed",
    "team.joined",
    "team.left",
    "team.standing",
}
NOT_OF_CASES |= {"disposal.due", "disposal.none_due", "disposal.proposed", "disposal.withdrawn"}
NOT_OF_CASES |= {"job.failed", "job.finished", "job.stopped"}


def written(path: Path) -> set[str]:
    """Return the verbs of acts on cases that a module writes: what `record.act` is given, and what is called a verb."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            is_act = ast.unparse(node.func) in {"record.act", "_act"}
            given = node.args[1:2] if is_act else []
            found |= {each for each in [*given, *(word.value for word in node.keywords if word.arg == "verb")]}
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "verb" for target in node.targets):
            found.add(node.value)
    texts = {each.value for value in found for each in ast.walk(value) if isinstance(each, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and VERB.fullmatch(text)}


def told() -> set[str]:
    moves = {f"{kind.code}.{move.name}" for kind in casetypes.all_types() for move in kind.lifecycle.moves}
    return moves | set(words.VERBS) | {verb for kind in casetypes.all_types() for verb in kind.said}


def test_every_act_on_a_case_has_words():
    sources = [path for path in Path("cases").rglob("*.py") if not {"migrations", "management"} & set(path.parts)]
    verbs = MADE.union(*(written(path) for path in sources)) - NOT_OF_CASES
    assert len(verbs) > 150
    assert verbs - told() - set(story.VERBS) == set()


def test_what_the_story_tells_the_report_tells_too():
    assert {verb for verb in story.VERBS if verb not in words.VERBS} == set()


def test_no_kind_names_an_act_that_nobody_writes():
    sources = "".join(path.read_text(encoding="utf-8") for path in Path("cases").rglob("*.py"))
    for kind in casetypes.all_types():
        for verb in kind.said:
            assert (
                verb in MADE
                or sources.count(f'"{verb}"') > 1
                or verb.startswith(("credit_file.", "association.", "debt_sale_account."))
            ), verb
