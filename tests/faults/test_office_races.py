"""Two acts of the office about one colleague at once, with real commits: one after the other, and two pairs of eyes."""

import pytest

from cases.kernel.models import Proposal, RoleGrant, User
from cases.kernel.office import people, proposals
from tests import factories
from tests.factories import AT
from tests.faults.test_races import at_once, refusals
from tests.length import times

pytestmark = pytest.mark.django_db(transaction=True)

MEANWHILE = "They were given a privileged role meanwhile. Propose it anew: it takes a second person."


def test_whoever_gets_a_privileged_role_while_one_person_ends_their_access_keeps_it_until_two_end_it():
    office = factories.office()
    admin, officer = office["o.thackray"], office["j.merriweather"]
    for number in range(times(8, 100)):
        user, _ = people.add_person(f"P. Nimmo {number}", codes=["fraud_analyst"], actor=admin, at=AT)
        given = {"user": user.pk, "role": "disclosure_approver"}
        waiting = proposals.propose("role_grant", given, actor=admin, at=AT, reason="They learned it.")
        results = at_once(
            lambda u=user: proposals.propose("leaver", {"user": u.pk}, actor=admin, at=AT, reason="Last day."),
            lambda w=waiting: proposals.decide(w.uid, "agreed", actor=officer, at=AT, reason="I know them."),
        )
        (refused,) = refusals(results) or [None]
        is_held = RoleGrant.objects.filter(user=user, revoked_at=None).exists()
        user.refresh_from_db()
        waiting.refresh_from_db()
        open_ones = Proposal.objects.filter(about=user, state="open")
        if is_held and refused is not None:  # the role was there first, between the question and the lock
            assert (str(refused), user.is_active, open_ones.count()) == (MEANWHILE, True, 0)
        elif is_held:  # the role was there before the question: shut out, until a second person decides
            assert (user.is_active, open_ones.get().kind) == (False, "leaver")
        else:
            assert (user.is_active, waiting.state, open_ones.count()) == (False, "withdrawn", 0)
            assert isinstance(refused, proposals.ProposalRefused)


def test_a_person_whose_form_is_sent_several_times_at_once_is_added_once():
    admin = factories.office()["o.thackray"]
    for number in range(times(4, 50)):
        name = f"Q. Nimmo {number}"
        results = at_once(
            *[lambda n=name: people.add_person(n, codes=["fraud_analyst"], actor=admin, at=AT) for _ in range(3)]
        )
        assert [str(each) for each in refusals(results)] == [people.NAMESAKE] * 2
        assert User.objects.filter(display_name=name).count() == 1
