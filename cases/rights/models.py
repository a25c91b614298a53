"""Rows of people's rights: what was asked, and what each person chose."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from cases.kernel.models import Agency, AuditReport, Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField
from cases.rights import codes

__all__ = ["NOT_NAMED", "Choice", "ContactAnswer", "DpComplaint", "RightsRequest"]

# Kinds of agencies whom nothing that a person is given names (Data Protection Act 2018, Schedule 2, paragraph 2).
NOT_NAMED = frozenset({"lea", "police_report", "oversight", "fiu"})


class RightsRequest(Tracked):
    """What a person asks: which right, how and when it reached us, and what we did about it.

    `channels` are those that a stop of marketing names (none: all of them), `purposes` those of a consent. Times are
    aware UTC. What the person wrote and what we answered are sealed under the case's key. `pack` is the paper that was
    given to whoever asked for access, with the way it was given and what proves it. `told_before` names whoever had
    been told and hears of what was changed: code of the agency, how, and the reference of the matter. `texts_read` says
    of each text that was read through why it is withheld, or nothing. `identity_of` is a hash of what the request said
    of the person, and of whom they were joined with, when it was recorded that it is them: it counts while that stands.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="rights_request")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    right = models.CharField(max_length=32)
    came_by = models.CharField(max_length=24)
    received_at = models.DateTimeField()
    channels = models.JSONField(default=list)
    purposes = models.JSONField(default=list)
    wording_version = models.CharField(max_length=20, blank=True, default="")
    wording = SealedTextField(null=True)
    identity_how = models.CharField(max_length=24, blank=True, default="", editable=False)
    identity_at = models.DateTimeField(null=True, blank=True, editable=False)
    outcome = models.CharField(max_length=24, blank=True, default="", editable=False)
    answer = SealedTextField(null=True)
    refusal_code = models.CharField(max_length=32, blank=True, default="", editable=False)
    extended_date = models.DateField(null=True, blank=True, editable=False)
    pack = models.ForeignKey(AuditReport, models.PROTECT, null=True, editable=False, related_name="+")
    given_how = models.CharField(max_length=24, blank=True, default="", db_default="", editable=False)
    given_proof = models.CharField(max_length=60, blank=True, default="", db_default="", editable=False)
    told_before = models.JSONField(default=list, db_default=[], blank=True, editable=False)
    texts_read = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    identity_of = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    def __str__(self) -> str:
        return str(self.case_id)

    @property
    def is_stop(self) -> bool:
        """Whether it stops or takes back something: then letters say from when it counts."""
        change = codes.CHANGES.get(self.right)
        return change is not None and not change.is_allowed

    @property
    def is_choice(self) -> bool:
        return self.right in codes.CHANGES

    @property
    def told_others(self) -> list[str]:
        """Names of whoever had been told and heard of the change, as the person may know them. One query: telling of
        the police or of an authority would prejudice what they do."""
        codes_told = {each["agency"] for each in self.told_before}
        rows = Agency.objects.filter(code__in=codes_told).exclude(kind__in=NOT_NAMED) if codes_told else []
        return sorted(each.display_name for each in rows)

    @property
    def was_passed_on(self) -> bool:
        """Whether everybody who had to know was told by a message; nobody waits to be told by hand. Two queries."""
        told = self.case.releases.filter(message_kind="rights_stop").exists()
        by_hand = self.case.tasks.filter(kind="rights_tell_recipient_by_hand", closed_at=None)
        return told and not by_hand.exists()


class DpComplaint(Tracked):
    """A complaint about how we use personal data (Data Protection Act 2018 s.164A)."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="dp_complaint")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    about = models.CharField(max_length=32)
    came_by = models.CharField(max_length=24)
    received_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    outcome = models.CharField(max_length=24, blank=True, default="", editable=False)
    complaint = SealedTextField(null=True)
    enquiries = SealedTextField(null=True)
    answer = SealedTextField(null=True)

    def __str__(self) -> str:
        return str(self.case_id)


class Choice(Tracked):
    """One yes or no of a person for one purpose and channel, with when they said it, how, and to which wording.

    The person stands here only as a keyed hash of what they are reached by (`reach` says which kind of it), so the row
    outlives the case and tells nobody who it was. `channel` `all` means every channel. The newest by `said_at` counts.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="choices")
    reach = models.CharField(max_length=12)
    token = models.BinaryField(max_length=32)
    purpose = models.CharField(max_length=32)
    channel = models.CharField(max_length=16)
    is_allowed = models.BooleanField()
    said_at = models.DateTimeField()
    source = models.CharField(max_length=24)
    wording_version = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["token", "purpose"], name="choice_token_purpose")]

    def __str__(self) -> str:
        return f"{self.purpose}/{self.channel}"


class ContactAnswer(models.Model):
    """What one system was answered when it asked whether it may contact somebody. Never changed.

    It is the register of what was told by the gate: `clause` is the one of the notice on which an answer left the firm,
    none for our own systems. `opt_out` is how the message lets whoever gets it opt out, `batch` the asker's own number
    of what it sends or matches. `message_id` is the question's own; `tokens` are the keyed hashes of what the person is
    reached by.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", db_index=False)
    message_id = models.CharField(max_length=255)
    number = models.PositiveSmallIntegerField()
    asked_at = models.DateTimeField(db_index=True)
    purpose = models.CharField(max_length=32)
    channel = models.CharField(max_length=16)
    tokens = ArrayField(models.BinaryField(max_length=32))
    may_contact = models.BooleanField()
    reason = models.CharField(max_length=32)
    clause = models.CharField(max_length=40, blank=True, default="", db_default="")
    opt_out = models.CharField(max_length=12, blank=True, default="", db_default="")
    batch = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "message_id", "number"], name="contact_answer_once"),
        ]
        indexes = [GinIndex(fields=["tokens"], name="contact_answer_tokens")]

    def __str__(self) -> str:
        return f"{self.purpose}/{self.channel}: {self.reason}"
