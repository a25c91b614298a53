"""Facts of a financial association: the link, what each of the two people said about it, and how each agency has it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models import Agency, Case, CaseParty, Evidence
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["AgencyLink", "Association", "LinkStatement"]


class Association(Tracked):
    """The link between the two people of the case. It is used while the case is active, an agency holds it and
    `suspended_at` is empty.

    `may_write_to_other` says that the other person holds a joint account with us or asked to be told. `asked_by` is who
    asked last to break it, `asker_shown_by` how they showed who they are. `other_wants_home` says that the other
    person, when they were last heard, wanted the answer at their address in the case, which the declarer gave. Times
    are aware UTC.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="association")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    basis = models.CharField(max_length=24)
    channel = models.CharField(max_length=12)
    declared_at = models.DateTimeField()
    has_agreement = models.BooleanField()
    agreement_kind = models.CharField(max_length=24)
    agreed_date = models.DateField(null=True, blank=True)
    may_write_to_other = models.BooleanField(default=False)
    declaration = SealedTextField(null=True)
    account_reference = SealedTextField(null=True)
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    asked_by = models.ForeignKey(CaseParty, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    asker_shown_by = models.CharField(max_length=24, blank=True, default="", db_default="", editable=False)
    exposure = models.CharField(max_length=24, blank=True, default="", editable=False)
    exposure_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    removal_note = SealedTextField(null=True)
    other_wants_home = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(has_agreement=True), name="association_is_agreed_to")]

    def __str__(self) -> str:
        return str(self.case_id)


class LinkStatement(Tracked):
    """What one of the two people said about the link, and when: declares, agrees, denies, asks to break it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="link_statements")
    party_role = models.CharField(max_length=16)
    says = models.CharField(max_length=16)
    how = models.CharField(max_length=24)
    said_at = models.DateTimeField()
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, blank=True, related_name="+")
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    words = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(party_role__in=["declarer", "other_person"]), name="link_statement_side")
        ]

    def __str__(self) -> str:
        return f"{self.party_role} {self.says}"


class AgencyLink(Tracked):
    """How one credit reference agency has the link, and under which reference of its own."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="agency_links", db_index=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    state = models.CharField(max_length=16)
    agency_reference = models.CharField(max_length=80, blank=True, default="")
    told_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    chased_at = models.DateTimeField(null=True, blank=True)
    message_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "agency"], name="one_link_per_agency")]

    def __str__(self) -> str:
        return f"{self.agency_id} {self.state}"
