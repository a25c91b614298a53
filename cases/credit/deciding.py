"""From the answers of agencies to a decision: the rules judge, a person does, and each decision is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.credit import codes, guards, letters, rulechanges, rulesets, searches
from cases.credit.models import CheckDecision, Search
from cases.kernel import actors, transitions
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["CONTEST_ROUTE", "judge", "keep"]

# How a decision is contested: by the website's form or by any colleague, naming the reference of the check.
CONTEST_ROUTE = "website_form_or_any_colleague"


def judge(case: Case, *, at: datetime, gave_up: bool = False) -> None:
    """Let the rules decide a running check whose agencies have all answered, or refer it to a person. The case is
    locked. A search that still waits holds it up, unless `gave_up`."""
    if case.state != "running":
        return
    if not gave_up and Search.objects.filter(case=case, state="asked").exists():
        return
    actor = actors.system("checks", source=case.source)
    rules = rulechanges.current()
    verdict = rules.judge(searches.factors(case, at=at))
    alone = guards.why_not_alone(case, verdict.outcome, verdict.triggers)
    if verdict.outcome == rulesets.REFER or alone:
        reasons = [*verdict.reasons, *([alone] if alone else [])]
        transitions.apply(case.pk, "refer", actor=actor, at=at, inputs={"reasons": reasons, "gave_up": gave_up})
        return
    inputs = {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "triggers": list(verdict.triggers),
        "rules": rules.code,
    }
    transitions.apply(case.pk, "decide", actor=actor, at=at, inputs=inputs)


def keep(
    case: Case, said: Mapping[str, Any], *, by: str, level: str, at: datetime, involvement: str = ""
) -> CheckDecision:
    """Keep a decision with what it stands on, inside the current ledger action, and ask for the letters it owes. It
    names the version of the rules that made it; a person's, the one that held."""
    facts, rules = case.check_facts, rulechanges.of_code(str(said.get("rules") or ""))
    outcome = str(said["outcome"])
    is_significant = outcome in codes.ADVERSE
    row = CheckDecision(
        case=case,
        key=case.key,
        number=CheckDecision.objects.filter(case=case).count() + 1,
        decided_at=at,
        decided_by=by,
        outcome=outcome,
        automated_level=level,
        is_significant=is_significant,
        has_special_category=facts.has_special_category,
        basis=facts.basis,
        ruleset=rules.code,
        ruleset_sha256=rules.sha256,
        reasons=list(said.get("reasons") or ()),
        triggers=list(said.get("triggers") or ()),
        contest_route=CONTEST_ROUTE if is_significant else "",
    )
    texts = {
        "factors": json.dumps(searches.factors(case, at=at), sort_keys=True),
        "involvement": involvement.strip() or None,
    }
    sealing.seal(row, texts, key=case.key)
    if is_significant:
        row.adverse_notice = letters.ask(case, letters.ADVERSE, at=at)
        row.automated_notice = letters.ask(case, letters.AUTOMATED, at=at) if level == "solely" else None
    row.save(force_insert=True)
    return row
