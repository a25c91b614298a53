"""A new index key: both are searched while tokens are made anew, in batches, again after a stop, with nothing lost."""

import pytest
from django.core.management import call_command
from django.db import transaction

from cases.kernel import edits, locks
from cases.kernel.background import jobrun, jobs
from cases.kernel.disposal import erasing
from cases.kernel.finding import matching, reindex, search
from cases.kernel.models import Case, CaseParty, Job, PersonPair, SearchEntry
from cases.ledger import keys, sealing
from cases.ledger.models import AccessEvent
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.AT
TYPED = ("tregaskis", "tre", "Tregaskys", "07700900123", "NM-4471", "TR18", "refused", "LS1 0ZZ")


@pytest.fixture
def new_key(settings, tmp_path):
    """A key folder of our own, to which a second index key is added when the test says so."""
    old = keys.directory()
    for file in old.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / file.name).chmod(0o600)
    tmp_path.chmod(0o700)
    settings.KEY_DIR = tmp_path

    def add():
        path = tmp_path / f"index-v{keys.index_versions()[-1] + 1}"
        path.write_bytes(bytes(range(64)))
        path.chmod(0o600)

    return add


def find(people, typed):
    return {hit.case.pk for hit in search.find(people["a.byrne"], typed, purpose="casework", at=AT).hits}


def three(people):
    cases = [factories.investigating(people) for _ in range(3)]
    for case in cases:
        edits.add_note(case.pk, "The courier was refused.", actor=people["a.byrne"], at=AT)
    return {case.pk for case in cases}


def versions():
    return sorted(SearchEntry.objects.values_list("case_id", "version").distinct())


def test_both_keys_are_searched_while_the_index_is_rebuilt(people, new_key, monkeypatch):
    cases = three(people)
    before = {(entry.case_id, entry.party_id, entry.note_id): set(entry.tokens) for entry in SearchEntry.objects.all()}
    new_key()
    late = factories.referred(people)
    monkeypatch.setattr(reindex, "BATCH", 1)
    steps = reindex.rebuild_here(at=AT)
    for done in range(4):
        for typed in TYPED:
            wanted = cases if typed == "refused" else {*cases, late.pk}
            assert find(people, typed) == wanted, (typed, done)
        next(steps, None)

    after = {(entry.case_id, entry.party_id, entry.note_id): set(entry.tokens) for entry in SearchEntry.objects.all()}
    assert {version for _, version in versions()} == {2}
    assert before.keys() <= after.keys() and not any(before[each] & after[each] for each in before)
    assert list(reindex.rebuild_here(at=AT)) == [] and reindex.entries_by_version() == {2: 4}


def test_a_correction_meanwhile_is_kept_under_the_key_of_its_entry(people, new_key):
    case = factories.investigating(people)
    new_key()
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(2, surname="Vellacott")
    assert versions() == [(case.pk, 1)] and find(people, "vellacott") == {case.pk}
    edits.add_note(case.pk, "Quixotic.", actor=people["a.byrne"], at=AT)
    assert versions() == [(case.pk, 1), (case.pk, 2)] and find(people, "quixotic") == {case.pk}

    list(reindex.rebuild_here(at=AT))
    assert versions() == [(case.pk, 2)]
    assert find(people, "vellacott") == find(people, "quixotic") == find(people, "NM-4471") == {case.pk}
    assert find(people, "m.tregaskis@example.org vellacott") == {case.pk}


def test_the_work_is_a_job_that_goes_on_where_it_was(people, new_key, monkeypatch):
    cases = three(people)
    new_key()
    monkeypatch.setattr(reindex, "BATCH", 1)
    job = reindex.start(at=AT)
    assert reindex.start(at=AT) == job

    done = []
    real = jobs.kind_of(job).do

    def stops_after_one(one, subject, at):
        real(one, subject, at)
        done.append(subject)
        Job.objects.filter(pk=one.pk, state="running").update(state="stopping")

    monkeypatch.setitem(jobs.KINDS, reindex.KIND, _with(jobs.kind_of(job), stops_after_one))
    jobrun.work(clock=lambda: AT)
    assert len(done) == 1 and reindex.stale().count() == 2
    monkeypatch.setitem(jobs.KINDS, reindex.KIND, _with(jobs.kind_of(job), real))
    reindex.start(at=AT)
    jobrun.work(clock=lambda: AT)
    assert reindex.stale().count() == 0 and find(people, "tregaskis") == cases


def _with(kind, do):
    return jobs.Kind(code=kind.code, label=kind.label, rows=kind.rows, do=do, reasons=kind.reasons)


def test_what_was_written_before_there_was_an_index_is_found_after_a_rebuild(people):
    case = factories.investigating(people)
    SearchEntry.objects.all().delete()
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(2, phone="+447700900555")
    assert find(people, "tregaskis") == set() and reindex.entries_by_version() == {0: 1}
    assert reindex.rebuild([case.pk], at=AT) == 1
    assert find(people, "tregaskis") == find(people, "07700900555") == find(people, "NM-4471") == {case.pk}


def test_erased_and_detached_people_stay_forgotten(people):
    case = factories.investigating(people)
    gone = CaseParty.objects.select_related("key").get(case=case, number=1)
    sealing.destroy(gone.key, actor="system:tests", reason="erasure", at=AT)
    reindex.rebuild([case.pk], at=AT)
    assert find(people, "LS1") == set() and find(people, "tregaskis") == {case.pk}
    assert SearchEntry.objects.get(party=gone).tokens == []


def test_of_an_erased_case_nothing_is_made_or_missed(people):
    case = factories.referred(people)
    with transaction.atomic(), erasing.erase(locks.case_for_update(case.pk), reason="retention_over", at=AT):
        pass
    assert (reindex.stale().count(), reindex.entries_by_version()) == (0, {})
    assert list(reindex.rebuild_here(at=AT)) == []
    assert not SearchEntry.objects.exists()


def test_opening_for_a_rebuild_is_on_record(people):
    case = factories.investigating(people)
    last = AccessEvent.objects.latest("id").pk if AccessEvent.objects.exists() else 0
    reindex.rebuild([case.pk], at=AT)
    rows = AccessEvent.objects.filter(id__gt=last, actor="system:search_index")
    assert {(row.verb, row.purpose, tuple(row.streams)) for row in rows} == {("index", "rebuild_index", (case.uid,))}
    assert {"surname", "postcode", "account_reference"} <= {name for row in rows for name in row.fields}


def test_nobody_is_compared_while_keys_are_mixed_and_nothing_compared_is_lost(people, new_key):
    factories.referred(people), factories.referred(people)
    assert matching.compare_due(now=AT) == 4
    offered = PersonPair.objects.count()
    new_key()
    factories.referred(people)
    assert matching.compare_due(now=AT) == 0

    list(reindex.rebuild_here(at=AT))
    assert matching.compare_due(now=AT) == 2 and PersonPair.objects.count() > offered > 0


def test_the_command_says_how_the_index_stands(people, new_key, capsys):
    factories.referred(people)
    new_key()
    call_command("search_index")
    call_command("search_index", "rebuild")
    call_command("search_index", "rebuild", "--here")
    call_command("search_index", "status")
    told = capsys.readouterr().out
    assert "index-v1: 1 cases\nTo rebuild: 1 cases.\n" in told and "rebuilds the index." in told
    assert "Done: 1 cases were rebuilt.\nindex-v2: 1 cases\nNothing is to be rebuilt.\n" in told
    assert Case.objects.count() == 1
