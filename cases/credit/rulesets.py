"""A set of rules is data; this small interpreter says what it decides. No database, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cases.credit import codes

__all__ = ["FACTORS", "REFER", "RuleSet", "Verdict", "faults", "needs_a_person", "read", "shipped"]

REFER = "refer"
# What the rules may look at, and of which kind it is.
FACTORS: dict[str, type] = {
    "is_complete": bool,
    "score": int,
    "identity": str,
    "fraud_match": str,
    "alert_match": bool,
    "notice_of_correction": bool,
    "applications_differ": bool,
    "insolvent": bool,
    "associate_adverse": bool,
}
_TESTS = {
    "is": lambda value, said: value == said,
    "in": lambda value, said: value in said,
    "below": lambda value, said: value < said,
    "at_least": lambda value, said: value >= said,
}
# What goes to a person, whatever a set of rules says: factor, value, reason.
_ALWAYS_REFERRED: tuple[tuple[str, Any, str], ...] = (
    ("is_complete", False, "searches_missing"),
    ("notice_of_correction", True, "notice_of_correction"),
    ("fraud_match", "protective", "protective_match"),
    ("fraud_match", "adverse", "fraud_match"),
    ("fraud_match", "unknown", "fraud_match"),
    ("alert_match", True, "alert_match"),
    ("identity", "refer", "identity_open"),
    ("identity", "fail", "identity_open"),
)
_OUTCOMES = {REFER, *(code for code, _ in codes.OUTCOMES)}
_PARTS = ("when", "outcome", "reasons", "triggers")
_SHIPPED = Path(__file__).with_name("cr-2026.11.json")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a set of rules says of some factors."""

    outcome: str
    reasons: tuple[str, ...]
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """A version of the rules: the first rule whose every condition holds decides."""

    code: str
    rules: tuple[Mapping[str, Any], ...]
    otherwise: Mapping[str, Any]
    sha256: str

    def judge(self, factors: Mapping[str, Any]) -> Verdict:
        """Return what the rules say, or that a person decides. A factor that nobody told makes its condition fail."""
        if reasons := needs_a_person(factors):
            return Verdict(outcome=REFER, reasons=reasons)
        for rule in self.rules:
            if all(_holds(factors.get(name), test) for name, test in rule["when"].items()):
                return _verdict(rule)
        return _verdict(self.otherwise)


def needs_a_person(factors: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the codes of the reasons why no rules may decide on these factors, or nothing. Not knowing whether every
    agency has answered counts as a missing answer."""
    known = {"is_complete": False, **factors}
    return tuple(reason for name, value, reason in _ALWAYS_REFERRED if known.get(name) == value)


def _holds(value: Any, test: Mapping[str, Any]) -> bool:
    return value is not None and all(_TESTS[name](value, said) for name, said in test.items())


def _verdict(rule: Mapping[str, Any]) -> Verdict:
    return Verdict(
        outcome=rule["outcome"], reasons=tuple(rule.get("reasons", ())), triggers=tuple(rule.get("triggers", ()))
    )


def read(document: Mapping[str, Any]) -> RuleSet:
    """Return a set of rules. Raises ValueError with every fault."""
    if found := faults(document):
        raise ValueError(" ".join(found))
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return RuleSet(
        code=document["code"],
        rules=tuple(document["rules"]),
        otherwise=document["otherwise"],
        sha256=hashlib.sha256(canonical).hexdigest(),
    )


def faults(document: Any) -> list[str]:
    """Return in sentences what is wrong with a set of rules."""
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return ["A set of rules is an object with a code, rules and otherwise."]
    if unknown := sorted(set(document) - {"code", "rules", "otherwise"}):
        return [f"A set of rules has no {', '.join(unknown)}."]
    rules, otherwise = document.get("rules"), document.get("otherwise")
    if not isinstance(rules, list) or not isinstance(otherwise, dict):
        return ["Give rules as a list, and what holds otherwise."]
    found = [sentence for number, rule in enumerate(rules, 1) for sentence in _rule_faults(rule, f"Rule {number}")]
    return [*found, *_rule_faults({"when": {}, **otherwise}, "Otherwise")]


def _rule_faults(rule: Any, name: str) -> list[str]:
    if not isinstance(rule, dict) or not isinstance(rule.get("when"), dict):
        return [f"{name} has no conditions."]
    found = [f"{name}: {each} is no part of a rule." for each in rule if each not in _PARTS]
    found += [f"{name}: {each} is no factor." for each in rule["when"] if each not in FACTORS]
    found += [
        f"{name}: the condition on {each} is not known."
        for each, test in rule["when"].items()
        if each in FACTORS and not _is_test(test, FACTORS[each])
    ]
    outcome = rule.get("outcome")
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        found.append(f"{name}: the outcome is not known.")
    for field, known in (("reasons", codes.REASONS), ("triggers", codes.TRIGGERS)):
        given = rule.get(field, [])
        if not isinstance(given, list) or not set(map(str, given)) <= {code for code, _ in known}:
            found.append(f"{name}: a code under {field} is not known.")
    if not rule.get("reasons"):
        found.append(f"{name} names no reason.")
    if isinstance(outcome, str) and outcome in codes.ADVERSE and not rule.get("triggers"):
        found.append(f"{name}: a decision against a person names one of the notice's triggers, or refers.")
    return found


def _is_test(test: Any, kind: type) -> bool:
    if not isinstance(test, dict) or not test or not set(test) <= set(_TESTS):
        return False
    if not isinstance(test.get("in", []), list) or test.get("in") == []:
        return False
    said = [each for name, value in test.items() for each in (value if name == "in" else [value])]
    is_ordered = not {"below", "at_least"} & set(test) or kind is int
    return is_ordered and all(type(each) is kind and str(each).isprintable() for each in said)


@cache
def shipped() -> RuleSet:
    """Return the rules that hold until the office activates its own."""
    return read(json.loads(_SHIPPED.read_text()))
