"""The rules of the office as they stand: periods with sources and versions, calendars, how long records are kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import calendars, policy, retention
from cases.kernel.actors import Actor
from cases.kernel.models import Clock, ClockRuleVersion, HolidayChange
from cases.kernel.timing import rulebook
from cases.kernel.timing.counting import ClockRule, in_words
from cases.web import asking
from cases.web.kept import Kept
from cases.web.refusals import screen

__all__ = ["TABS", "calendar", "clock", "clocks", "keeping", "shown"]

IN_USE = Kept("periods_in_use", 300)
TABS = (
    ("web:clock_rules", "Periods"),
    ("web:calendars", "Bank holidays"),
    ("web:retention", "Retention"),
    ("web:policy_documents", "Documents"),
    ("web:processing", "Record of processing"),
)


def shown(request: HttpRequest, tab: str, **more: Any) -> dict[str, Any]:
    """Return what every page of the rules shows, once this reader may see them."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_rules")
    return {"tabs": TABS, "tab": tab, "actor": actor, **more}


def _may(actor: Actor, kind: str) -> bool:
    return policy.can(actor, f"propose.{kind}").is_allowed


def _entry(rule: ClockRule, today: date) -> dict[str, Any]:
    return {
        "rule": rule,
        "words": in_words(rule),
        "places": [calendars.JURISDICTIONS[code][1] for code in rule.jurisdictions],
        "is_everywhere": len(rule.jurisdictions) == len(calendars.JURISDICTIONS),
        "is_future": rule.effective_from > today,
    }


def _versions(code: str = "") -> dict[str, list[ClockRule]]:
    """Return every version by code, oldest first: as kept, or as shipped while nothing is kept."""
    rows = ClockRuleVersion.objects.filter(**({"code": code} if code else {})).order_by("code", "version").values()
    rules = [rulebook.rule_of({**row, "effective_from": row["effective_from"].isoformat()}) for row in rows]
    found: dict[str, list[ClockRule]] = {}
    for rule in rules or [each for each in rulebook.shipped() if code in ("", each.code)]:
        found.setdefault(rule.code, []).append(rule)
    return found


def _now(versions: list[ClockRule], today: date) -> ClockRule:
    begun = [rule for rule in versions if rule.effective_from <= today]
    return begun[-1] if begun else versions[0]


def _in_use(request: HttpRequest, actor: Actor) -> dict[str, int]:
    """Return how many open periods there are by rule, among the cases this reader may see. Every open one is counted,
    so it is kept for five minutes."""
    if (known := IN_USE.known(request)) is not None:
        return dict(known)
    seen = Clock.objects.filter(ended_at=None, case__in=policy.visible_to(actor))
    found = dict(seen.values_list("rule").annotate(count=Count("pk")))
    IN_USE.keep(request, found)
    return found


@screen
@require_GET
def clocks(request: HttpRequest) -> HttpResponse:
    """List the periods as they count today, the law's by number, then the office's own targets."""
    page = shown(request, "web:clock_rules")
    today, counts = calendars.london_date(asking.now()), _in_use(request, page["actor"])
    entries = []
    for code, versions in _versions().items():
        entry = _entry(_now(versions, today), today)
        coming = [rule for rule in versions if rule.effective_from > today]
        entries.append(entry | {"count": counts.get(code, 0), "coming": coming[0] if coming else None})
    entries.sort(key=lambda entry: (entry["rule"].clock or "~", entry["rule"].label))
    return render(request, "cases/rules/clocks.html", page | {"entries": entries})


@screen
@require_GET
def clock(request: HttpRequest, code: str) -> HttpResponse:
    """Show one period: every version, newest first, with its source and how often it runs."""
    page, today = shown(request, "web:clock_rules"), calendars.london_date(asking.now())
    versions = _versions(code).get(code)
    if versions is None:
        raise Http404
    now = _now(versions, today)
    more = {
        "entries": [_entry(rule, today) | {"is_now": rule == now} for rule in reversed(versions)],
        "now": _entry(now, today),
        "count": _in_use(request, page["actor"]).get(code, 0),
        "may_propose": _may(page["actor"], "clock_rule"),
    }
    return render(request, "cases/rules/clock.html", page | more)


@screen
@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """Show the holidays of one jurisdiction and year, as published and as changed, with whose word it was."""
    page, today = shown(request, "web:calendars"), calendars.london_date(asking.now())
    asked = request.GET.get("where", "")
    where = asked if asked in calendars.JURISDICTIONS else calendars.seat()
    years = calendars.listed_years(today)
    text = request.GET.get("year", "")
    year = int(text) if text.isdecimal() and len(text) == 4 and int(text) in years else today.year
    changes = {row.day: row for row in HolidayChange.objects.filter(jurisdiction=where, day__year=year)}
    published = calendars.published(where, year)
    more = {
        "where": where,
        "places": [(code, label) for code, (_, label) in calendars.JURISDICTIONS.items()],
        "year": year,
        "years": years,
        "days": [_day(day, published.get(day, ""), changes.get(day)) for day in sorted({*published, *changes})],
        "may_propose": _may(page["actor"], "holiday"),
    }
    return render(request, "cases/rules/calendar.html", page | more)


def _day(day: date, published: str, change: HolidayChange | None) -> dict[str, Any]:
    is_changed = change is not None and change.effect != "as_published"
    return {
        "day": day,
        "name": published or (change.name if change else ""),
        "is_published": bool(published),
        "change": change,
        "next": "as_published" if is_changed else "removed",
    }


@screen
@require_GET
def keeping(request: HttpRequest) -> HttpResponse:
    """List how long each kind of record is kept, from when, by which source, with what holds later and held before."""
    page, today = shown(request, "web:retention"), calendars.london_date(asking.now())
    known, now = retention.versions(), retention.schedule(on=today)
    entries = [
        {
            "rule": now[code],
            "coming": next((rule for rule in known[code] if rule.effective_from > today), None),
            "earlier": [rule for rule in known[code] if rule.version < now[code].version],
        }
        for code in sorted(known)
    ]
    may = _may(page["actor"], "retention_class")
    return render(request, "cases/rules/retention.html", page | {"entries": entries, "may_propose": may})
