"""Law as rows: versions of clock rules, and what the office changed in the published bank holidays."""

from django.db import models
from django.db.models import Q

from cases.ledger.models import Tracked

__all__ = ["ClockRuleVersion", "HolidayChange", "RetentionVersion"]


class ClockRuleVersion(Tracked):
    """One version of a clock rule, in force from its date until the next. Never changed: a change is a new version."""

    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    clock = models.CharField(max_length=3, blank=True)
    label = models.CharField(max_length=80)
    length = models.PositiveIntegerField()
    unit = models.CharField(max_length=12)
    counts_first_day = models.BooleanField(default=False)
    starts_after_days = models.PositiveSmallIntegerField(default=0)
    deemed_working_days = models.PositiveSmallIntegerField(default=0)
    roll = models.CharField(max_length=16, default="none")
    is_pausable = models.BooleanField(default=False)
    may_name_end = models.BooleanField(default=False)
    is_work = models.BooleanField(default=True)
    on_breach = models.CharField(max_length=8, default="task")
    warn_hours = models.PositiveIntegerField(default=0)
    jurisdictions = models.JSONField(default=list)
    source = models.CharField(max_length=200)
    effective_from = models.DateField()
    is_shipped = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="one_rule_per_code_and_version"),
            models.UniqueConstraint(fields=["code", "effective_from"], name="one_version_of_a_rule_per_day"),
            models.CheckConstraint(
                condition=Q(unit__in=["minutes", "hours", "days", "working_days", "weeks", "months", "years"])
                | Q(unit="open_ended", length=0),
                name="clock_rule_unit",
            ),
            models.CheckConstraint(condition=Q(roll__in=["none", "next_working_day"]), name="clock_rule_roll"),
            models.CheckConstraint(condition=Q(on_breach__in=["task", "record"]), name="clock_rule_on_breach"),
            models.CheckConstraint(condition=~Q(source=""), name="clock_rule_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"


class HolidayChange(Tracked):
    """What the office says of one day in one jurisdiction against the published list, and on whose word."""

    jurisdiction = models.CharField(max_length=3)
    day = models.DateField()
    effect = models.CharField(max_length=12)
    name = models.CharField(max_length=80)
    source = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "day"], name="one_word_per_day_and_jurisdiction"),
            models.CheckConstraint(
                condition=Q(effect__in=["added", "removed", "as_published"]), name="holiday_change_effect"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="holiday_change_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} {self.day} {self.effect}"


class RetentionVersion(Tracked):
    """One version of how long a class of records is kept, for what comes to its trigger from its day on."""

    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=80, blank=True)
    trigger = models.CharField(max_length=40)
    months = models.PositiveSmallIntegerField()
    days = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=200)
    effective_from = models.DateField()
    is_shipped = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="one_retention_version_per_code"),
            models.UniqueConstraint(fields=["code", "effective_from"], name="one_retention_version_per_day"),
            models.CheckConstraint(condition=~Q(source=""), name="retention_version_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"
