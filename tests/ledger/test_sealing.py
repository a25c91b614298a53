"""Sealed fields take no text, open nowhere but in their place, and are read only with a record of the reading."""

import pickle
from dataclasses import replace

import pytest
from django.db import connection, models, transaction

from cases.kernel.models import CaseParty, Note
from cases.ledger import api as ledger
from cases.ledger import keys, sealing
from cases.ledger.guards import tracked_models
from cases.ledger.models import AccessEvent, DataKey, LedgerEvent
from cases.ledger.reads import PurposeMissing
from cases.ledger.sealing import ERASED, Reader, SealBroken, Sealed, SealedTextField
from cases.ledger.verify import verify_all
from tests.ledger.rows import ACTOR, AT, STREAM, fresh, saved

READER = Reader(actor="staff:9", verb="view", purpose="casework", streams=(STREAM,))

SEALED_FIELDS = [
    pytest.param(model, field.name, id=f"{model.__name__}.{field.name}")
    for model in tracked_models()
    for field in model._meta.concrete_fields
    if isinstance(field, SealedTextField)
]


def act(**more):
    return ledger.action(STREAM, "row.changed", actor=ACTOR, at=AT, **more)


@pytest.fixture
def party(db):
    with act():
        row = fresh(CaseParty)
        sealing.seal(row, {"surname": "Vale", "forename": "Ada", "alias": None}, key=row.key)
        row.save()
    return row


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "field"), SEALED_FIELDS)
@pytest.mark.parametrize("value", ["plain", b"bytes", 7, ERASED], ids=["text", "bytes", "number", "erased"])
def test_sealed_field_never_accepts_anything_but_sealed(model, field, value):
    with act():
        row = fresh(model)
    setattr(row, field, value)

    with pytest.raises(TypeError, match="takes only sealed values"), transaction.atomic(), act():
        row.save()

    with pytest.raises(TypeError, match="takes only sealed values"):
        model._default_manager.filter(**{field: value}).exists()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} WHERE uid = %s", [row.uid])
        assert cursor.fetchone() == (0,)


def test_sealed_value_shows_nothing(party):
    value = CaseParty.objects.get(pk=party.pk).surname

    assert isinstance(value, Sealed)
    assert repr(value) == "<Sealed>"
    with pytest.raises(TypeError):
        str(value)
    with pytest.raises(TypeError):
        f"{value}"
    assert value == party.surname
    assert value != party.forename
    assert b"Vale" not in pickle.dumps(value.ciphertext)


def test_rows_open_in_order_with_one_key_query_and_one_access_row(party, django_assert_num_queries):
    with act():
        other = fresh(CaseParty)
        sealing.seal(other, {"surname": "Brook", "forename": None, "alias": "B"}, key=other.key)
        other.save()
    rows = list(CaseParty.objects.filter(pk__in=[party.pk, other.pk]).order_by("pk"))

    with django_assert_num_queries(2):
        opened = sealing.open_rows(rows, ["surname", "forename", "alias"], reader=READER, at=AT)

    assert opened == [
        {"surname": "Vale", "forename": "Ada", "alias": None},
        {"surname": "Brook", "forename": None, "alias": "B"},
    ]
    (access,) = AccessEvent.objects.values("actor", "verb", "purpose", "streams", "fields", "result_count", "at")
    assert access == {
        "actor": "staff:9",
        "verb": "view",
        "purpose": "casework",
        "streams": [STREAM],
        "fields": ["surname", "forename", "alias"],
        "result_count": 2,
        "at": AT,
    }


def test_history_rows_open_like_live_ones(party):
    party.refresh_from_db()
    sealing.seal(party, {"surname": "Moor"}, key=party.key)
    with act():
        party.save()

    rows = CaseParty.history.filter(id=party.pk).order_by("history_id")
    opened = sealing.open_rows(rows, ["surname"], reader=READER, at=AT)

    assert opened == [{"surname": "Vale"}, {"surname": "Moor"}]


@pytest.mark.parametrize("missing", ["actor", "verb", "purpose"])
def test_no_reader_without_actor_verb_and_purpose(missing):
    with pytest.raises(PurposeMissing):
        replace(READER, **{missing: ""})


def test_nothing_opens_when_the_access_row_cannot_be_written(party):
    with pytest.raises(Exception, match="too long"), transaction.atomic():
        sealing.open_rows([party], ["surname"], reader=replace(READER, purpose="x" * 61), at=AT)


@pytest.mark.django_db
def test_ciphertext_opens_only_in_its_own_row_field_and_model():
    with act():
        one, two = fresh(CaseParty), fresh(CaseParty)
        note = fresh(Note)
        two.key = note.key = one.key
    sealing.seal(one, {"surname": "Vale"}, key=one.key)

    two.surname = one.surname
    one.forename = one.surname
    note.text = one.surname
    note.uid = one.uid

    assert sealing.open_rows([one], ["surname"], reader=READER, at=AT) == [{"surname": "Vale"}]
    for row, field in ((two, "surname"), (one, "forename"), (note, "text")):
        with pytest.raises(SealBroken):
            sealing.open_rows([row], [field], reader=READER, at=AT)


def test_altered_ciphertext_does_not_open(party):
    for position in range(len(party.surname.ciphertext)):
        altered = bytearray(party.surname.ciphertext)
        altered[position] ^= 1
        row = CaseParty(uid=party.uid, key_id=party.key_id, surname=Sealed(altered))
        with pytest.raises(SealBroken):
            sealing.open_rows([row], ["surname"], reader=READER, at=AT)


def test_destroyed_key_erases_live_and_history_and_the_ledger_still_verifies(party):
    sealing.destroy(party.key, actor=ACTOR, reason="retention", at=AT)

    party = CaseParty.objects.get(pk=party.pk)
    for rows in ([party], list(CaseParty.history.filter(id=party.pk))):
        (opened,) = sealing.open_rows(rows, ["surname", "alias"], reader=READER, at=AT)
        assert opened["surname"] is ERASED
        assert opened["alias"] is None
    assert [finding for finding in verify_all() if finding.level == "wrong"] == []
    with pytest.raises(sealing.KeyDestroyed):
        sealing.seal(party, {"surname": "Vale"}, key=party.key)
    with pytest.raises(ledger.LedgerError, match="was erased"):
        sealing.seal(fresh_with_key(), {"surname": ERASED}, key=sealing.new_key("party", at=AT))


def fresh_with_key():
    return CaseParty(surname=None)


@pytest.mark.django_db
def test_child_key_dies_with_its_parent_and_alone():
    parent = sealing.new_key("case", at=AT)
    first, second = (sealing.new_key("blob", at=AT, parent=parent) for _ in range(2))
    place = {"label": "cases.Letter", "uid": parent.uid, "field": "body"}
    sealed_first = sealing.seal_bytes(b"one", key=first, **place)
    sealed_second = sealing.seal_bytes(b"two", key=second, **place)

    def opened(blob, key):
        return sealing.open_bytes(blob, key_id=key.pk, reader=READER, at=AT, **place)

    assert (opened(sealed_first, first), opened(sealed_second, second)) == (b"one", b"two")
    sealing.destroy(first, actor=ACTOR, reason="retention", at=AT)
    assert (opened(sealed_first, first), opened(sealed_second, second)) == (None, b"two")
    sealing.destroy(parent, actor=ACTOR, reason="retention", at=AT)
    assert opened(sealed_second, second) is None
    with pytest.raises(sealing.KeyDestroyed):
        sealing.seal_bytes(b"three", key=DataKey.objects.get(pk=second.pk), **place)
    with pytest.raises(sealing.KeyDestroyed):
        sealing.new_key("blob", at=AT, parent=parent)


@pytest.mark.django_db
def test_keys_go_one_level_deep():
    parent = sealing.new_key("case", at=AT)
    child = sealing.new_key("blob", at=AT, parent=parent)

    with pytest.raises(ledger.LedgerError, match="never deeper"):
        sealing.new_key("blob", at=AT, parent=child)


@pytest.mark.django_db
def test_sealed_bytes_differ_each_time_and_open_only_in_their_place():
    key = sealing.new_key("blob", at=AT)
    place = {"label": "cases.StoredBlob", "uid": key.uid, "field": "sealed"}
    blob = sealing.seal_bytes(b"content", key=key, **place)

    assert blob != sealing.seal_bytes(b"content", key=key, **place)
    assert b"content" not in blob
    for wrong in ({"label": "cases.Letter"}, {"uid": STREAM}, {"field": "body"}):
        with pytest.raises(SealBroken):
            sealing.open_bytes(blob, key_id=key.pk, reader=READER, at=AT, **{**place, **wrong})


@pytest.mark.django_db
def test_many_keys_are_made_in_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        made = sealing.new_keys(["party"] * 5, at=AT)

    assert len({bytes(key.wrapped) for key in made}) == 5
    assert all(key.pk for key in made)


@pytest.mark.django_db
def test_wrapped_key_moved_to_another_row_does_not_open():
    one, two = sealing.new_keys(["party"] * 2, at=AT)
    DataKey.objects.filter(pk=two.pk).update(wrapped=one.wrapped)

    with pytest.raises(SealBroken):
        sealing.seal(CaseParty(), {"surname": "Vale"}, key=DataKey.objects.get(pk=two.pk))


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"wrapped": b"x", "destroyed_at": None}, {"scope": "case"}, {"label": "x"}])
def test_destroyed_key_never_comes_back(change):
    key = sealing.new_key("party", at=AT)
    sealing.destroy(key, actor=ACTOR, reason="retention", at=AT)

    with pytest.raises(Exception, match="is refused"), transaction.atomic():
        DataKey.objects.filter(pk=key.pk).update(**change)
    with pytest.raises(Exception, match="is refused"), transaction.atomic():
        DataKey.objects.filter(pk=key.pk)._raw_delete("default")


def test_nothing_opens_without_the_key_folder(party, settings, tmp_path):
    settings.KEY_DIR = tmp_path

    with pytest.raises(keys.KeyMissing):
        sealing.open_rows([party], ["surname"], reader=READER, at=AT)


@pytest.mark.django_db
def test_reason_is_sealed_and_opens_with_a_record():
    key = sealing.new_key("case", at=AT)
    with act(reason="The caller is known to the desk.", key=key):
        pass
    with act():
        pass
    events = list(LedgerEvent.objects.order_by("seq"))

    assert "caller" not in events[0].body
    assert b"caller" not in bytes(events[0].reason)
    assert sealing.open_reasons(events, reader=READER, at=AT) == ["The caller is known to the desk.", None]
    assert AccessEvent.objects.get().fields == ["reason"]

    sealing.destroy(key, actor=ACTOR, reason="retention", at=AT)
    assert sealing.open_reasons(events, reader=READER, at=AT) == [ERASED, None]


@pytest.mark.django_db
def test_reason_without_a_key_is_refused():
    with pytest.raises(ledger.LedgerError, match="A reason is sealed"), act(reason="because"):
        pass

    assert LedgerEvent.objects.count() == 0


@pytest.mark.django_db
def test_key_may_be_reached_through_a_relation(django_assert_num_queries):
    with act():
        row = saved(Note)
        sealing.seal(row, {"text": "A note."}, key=row.case.key)
        row.save()
    rows = Note.objects.select_related("case")

    with django_assert_num_queries(3):
        assert sealing.open_rows(rows, ["text"], key_attr="case.key", reader=READER, at=AT) == [{"text": "A note."}]


def test_live_and_history_carry_equal_ciphertext(party):
    (row,) = CaseParty.history.filter(id=party.pk)

    assert row.surname == CaseParty.objects.get(pk=party.pk).surname


def test_blind_hashes_differ_by_purpose_and_key(settings, tmp_path):
    one = keys.keyed_hash("note.word", "vale")
    assert one == keys.keyed_hash("note.word", b"vale")
    assert one != keys.keyed_hash("party.surname", "vale")
    assert len(one) == 32

    keys.init(tmp_path / "keys", at=AT)
    settings.KEY_DIR = tmp_path / "keys"
    assert one != keys.keyed_hash("note.word", "vale")


def test_every_sealed_field_is_a_sealed_text_field():
    assert issubclass(SealedTextField, models.BinaryField)
    assert len(SEALED_FIELDS) >= 20
