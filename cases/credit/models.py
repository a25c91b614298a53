"""Rows of checks: what was asked for, which searches were made, what was decided."""

from django.db import models
from django.db.models import Q

from cases.credit import codes
from cases.kernel.models import Agency, Case, Letter, User
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Check", "CheckDecision", "Contest", "RuleSetVersion", "Search"]


class Check(Tracked):
    """One check: for which application, on which occasion and legal basis, and which notice the person was shown (N1).

    An application is checked once, for ever: a second check of it cannot be written. Its number is kept in capital
    letters. `links_used` are the uids of the cases of those links by which a financially linked person was asked about.
    Times are aware UTC.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="check_facts")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    application_id = models.CharField(max_length=40, unique=True)
    occasion = models.CharField(max_length=24)
    channel = models.CharField(max_length=24)
    product = models.CharField(max_length=40)
    monthly_pence = models.PositiveIntegerField(default=0)
    handset_pence = models.PositiveIntegerField(default=0)
    basis = models.CharField(max_length=24, default="gdpr_6_1_f")
    has_special_category = models.BooleanField(default=False)
    notice_version = models.CharField(max_length=20)
    notice_shown_at = models.DateTimeField()
    associate_use = models.CharField(max_length=24, blank=True, default="", editable=False)
    links_used = models.JSONField(default=list, db_default=[], blank=True, editable=False)
    referred_for = models.JSONField(default=list, editable=False)

    def __str__(self) -> str:
        return str(self.case_id)


class Search(Tracked):
    """One search at one agency, and the footprint it leaves there. Never two of an application, agency and type.

    `subject_sha256` is a keyed hash of what was asked about. `result` is the least of the answer, sealed; the answer
    itself stays sealed with the message's try, for as long as those are kept.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="searches")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", db_index=False)
    application_id = models.CharField(max_length=40)
    search_type = models.CharField(max_length=24)
    is_hard = models.BooleanField()
    is_joint = models.BooleanField(default=False)
    notice_version = models.CharField(max_length=20)
    subject_sha256 = models.CharField(max_length=64)
    message_id = models.UUIDField(null=True)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="asked")
    answered_at = models.DateTimeField(null=True, blank=True)
    footprint = models.CharField(max_length=80, blank=True, default="")
    result = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "application_id", "search_type"], name="one_search_per_application_agency_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.search_type} {self.application_id}"

    @property
    def seen_by(self) -> str:
        """Return who may see at the agency that it was made: a code of `codes.SEEN_BY`."""
        if self.state == "refused":
            return "nobody"
        if not self.is_hard:
            return "person"
        return "perhaps_others" if self.state == "asked" else "others"


class RuleSetVersion(Tracked):
    """A version of the rules by which checks are decided, in force from when two people agreed to it until the next
    one. Never changed: each decision names its version. `activated_at` is aware UTC."""

    code = models.CharField(max_length=40, unique=True)
    document = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    activated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


class CheckDecision(Tracked):
    """One decision on a check: what, by which rules, why, and how far a person took part.

    `factors` are the inputs of the rules, sealed. A significant decision that no person took exists only with the
    letter that says so (N3) and the last day on which the usual way to contest it is named; PostgreSQL refuses
    another. It is always a trigger of the notice that speaks against the person then.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="check_decisions", db_index=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80)
    outcome = models.CharField(max_length=24)
    automated_level = models.CharField(max_length=12)
    is_significant = models.BooleanField()
    has_special_category = models.BooleanField(default=False)
    basis = models.CharField(max_length=24)
    ruleset = models.CharField(max_length=40)
    ruleset_sha256 = models.CharField(max_length=64)
    reasons = models.JSONField(default=list)
    triggers = models.JSONField(default=list)
    factors = SealedTextField(null=True)
    involvement = SealedTextField(null=True)
    automated_notice = models.ForeignKey(Letter, models.PROTECT, null=True, related_name="automated_decisions")
    adverse_notice = models.ForeignKey(Letter, models.PROTECT, null=True, related_name="adverse_decisions")
    contest_route = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="one_check_decision_per_number"),
            models.CheckConstraint(
                condition=~Q(automated_level="solely", is_significant=True)
                | (Q(automated_notice__isnull=False) & ~Q(contest_route="") & ~Q(triggers=[])),
                name="no_automated_decision_without_notice",
            ),
            models.CheckConstraint(
                condition=~Q(automated_level="solely") | (Q(has_special_category=False) & ~Q(basis="gdpr_6_1_ea")),
                name="automated_decision_has_a_basis",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.number}"

    @classmethod
    def of_reference(cls, reference: str) -> "CheckDecision | None":
        """Return the newest decision of the check of this reference."""
        rows = cls.objects.filter(case__reference=reference, case__kind="check").select_related("case")
        return rows.order_by("number").last()

    @property
    def outcome_words(self) -> str:
        return dict(codes.OUTCOMES).get(self.outcome, self.outcome)

    @property
    def outcome_said(self) -> str:
        """The outcome as it stands inside a sentence."""
        return self.outcome_words.lower()

    @property
    def reason_words(self) -> list[str]:
        """What the letters name as the main factors."""
        return codes.outward(self.reasons)

    @property
    def trigger_words(self) -> list[str]:
        return [dict(codes.TRIGGERS)[code] for code in self.triggers]

    @property
    def searched(self) -> list[tuple[Agency, str]]:
        """Return each credit reference agency that was searched and did not refuse it, and in words who sees that."""
        rows = Search.objects.filter(case_id=self.case_id, agency__kind="cra").select_related("agency")
        seen: dict[Agency, set[str]] = {}
        for row in rows.exclude(state="refused").order_by("pk"):
            seen.setdefault(row.agency, set()).add(row.seen_by)
        return [(agency, next(words for code, words in codes.SEEN_BY if code in by)) for agency, by in seen.items()]

    @property
    def searched_words(self) -> list[str]:
        """Return the same, an agency in a line."""
        return [f"{agency.display_name}: {seen}" for agency, seen in self.searched]


class Contest(Tracked):
    """A decision that a person contests: which, how it reached us, who looks at it afresh, what came of it.

    What the person wrote, what was found and what they are answered are sealed under the case's key. `harm` are codes
    of what they say that the decision did to them beyond its own effect. Times are UTC.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="contest")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    decision = models.ForeignKey(CheckDecision, models.PROTECT, related_name="contests")
    came_by = models.CharField(max_length=24)
    received_at = models.DateTimeField()
    wording = SealedTextField(null=True)
    identity_how = models.CharField(max_length=24, blank=True, default="", editable=False)
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    outcome = models.CharField(max_length=24, blank=True, default="", editable=False)
    findings = SealedTextField(null=True)
    answer = SealedTextField(null=True)
    withdrawal = SealedTextField(null=True)
    harm = models.JSONField(default=list, db_default=[], blank=True, editable=False)

    def __str__(self) -> str:
        return str(self.case_id)
