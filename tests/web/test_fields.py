"""Fields that a slip of the hand does not change: numbers typed as letters write them, and boxes for what is ticked."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.urls import get_resolver, reverse
from django.utils.module_loading import import_string

from cases.disclosure import dataitems, stepforms
from cases.disclosure.emergency import forms as emergency
from cases.fraud.models import FraudDispute, FraudReferral
from cases.kernel import notice
from cases.kernel.forms.numberfields import Number, Pounds, Whole
from cases.kernel.models import Case
from cases.web.drawing import ByHand
from tests import emergencies, factories
from tests.web import desk
from tests.web.test_acts import NEW, state_of

FORMSET = {f"people-{name}_FORMS": count for name, count in (("TOTAL", "1"), ("INITIAL", "0"))}

TAKEN = [
    (Pounds, "£1,299.50", Decimal("1299.50")),
    (Pounds, " £ 12,345,678 ", Decimal("12345678")),
    (Pounds, "1299.5", Decimal("1299.5")),
    (Number, "9.5", Decimal("9.5")),
    (Whole, "1,000", 1000),
    (Whole, "7", 7),
]
REFUSED = [(Pounds, "1,5"), (Pounds, "12,99.50"), (Pounds, "£12.345"), (Pounds, "££1"), (Pounds, "12 pounds")]
REFUSED += [(Number, "9,5"), (Number, "£9"), (Whole, "£12"), (Whole, "1,00"), (Whole, "12.5")]


@pytest.mark.parametrize(("field", "typed", "kept"), TAKEN)
def test_a_number_is_taken_as_letters_write_it(field, typed, kept):
    assert field().clean(typed) == kept


@pytest.mark.parametrize(("field", "typed"), REFUSED)
def test_what_may_mean_another_number_is_refused(field, typed):
    with pytest.raises(ValidationError):
        field().clean(typed)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (Whole(min_value=1), "0", "Enter 1 or more."),
        (Whole(max_value=10), "11", "Enter 10 or less."),
        (Pounds(min_value=0), "-1", "Enter 0 or more."),
        (Pounds(max_digits=9), "12345678.99", "Enter a smaller number: no more than 9 digits."),
    ],
)
def test_a_number_outside_what_can_be_is_refused_in_our_words(field, typed, sentence):
    with pytest.raises(ValidationError) as refused:
        field.clean(typed)
    assert refused.value.messages == [sentence]


def _below(known: type) -> set[type]:
    return {each for kind in known.__subclasses__() for each in (kind, *_below(kind))}


def test_every_pattern_is_of_the_whole_text():
    get_resolver().url_patterns  # noqa: B018 -- loads every page and so every form
    loose = {
        f"{form.__module__}.{form.__name__}.{name}: {field.regex.pattern}"
        for form in _below(forms.BaseForm)
        if form.__module__.startswith("cases.")
        for name, field in form.base_fields.items()
        if isinstance(field, forms.RegexField)
        and not (field.regex.pattern.startswith("^") and field.regex.pattern.endswith((r"\Z", "$")))
    }
    assert loose == set()


@pytest.mark.parametrize("widget", [forms.NumberInput, forms.SelectMultiple])
def test_no_form_has_a_field_that_the_mouse_wheel_or_one_plain_click_changes(widget):
    get_resolver().url_patterns  # noqa: B018 -- loads every page and so every form
    fields = [
        (form, name, field)
        for form in _below(forms.BaseForm)
        if form.__module__.startswith("cases.")
        for name, field in form.base_fields.items()
    ]

    assert sum(isinstance(field, Pounds) for _, _, field in fields) >= 8
    assert [(form, name) for form, name, field in fields if isinstance(field.widget, widget)] == []


@pytest.mark.django_db
def test_a_loss_pasted_from_a_letter_is_kept_in_pence():
    factories.office()
    client = desk.client_of("a.byrne")
    path = reverse("web:new_case", args=["fraud_referral"])
    page = client.get(path).content.decode()

    answer = client.post(path, {**NEW, "value_at_risk": "£1,299.50", "loss": "1,5"})

    assert '<input type="text" name="loss" inputmode="decimal" autocomplete="off"' in page
    assert (answer.status_code, Case.objects.count()) == (422, 0)
    assert client.post(path, {**NEW, "value_at_risk": "£1,299.50"}).status_code == 302
    assert FraudReferral.objects.get().value_at_risk_pence == 129_950


def _boxes(page: str, name: str) -> tuple[list[str], list[str]]:
    """Return the headings of a group of boxes, and what is ticked among all of them."""
    at = page.index(f'name="{name}"')
    group = page[page.rindex('<fieldset class="field wide', 0, at) : page.index("</fieldset></div></fieldset>", at)]
    ticked = re.findall(rf'<input type="checkbox" name="{name}" value="([a-z_]+)"[^>]* checked', group)
    return re.findall("<legend>([^<]+)</legend>", group), ticked


@pytest.mark.django_db
def test_what_was_done_is_ticked_once_under_the_kinds_of_filing_that_have_it():
    case = factories.referred(factories.office(), reasons=["unauth_sim_swap", "call_divert"])
    page = desk.client_of("a.byrne").get(reverse("web:edit_facts", args=[case.uid])).content.decode()

    headings, ticked = _boxes(page, "reasons")

    assert headings[:3] == [
        "Identity fraud; Victim of impersonation (not adverse)",
        "Identity fraud",
        "Facility takeover; Victim of takeover (not adverse)",
    ]
    assert ticked == ["unauth_sim_swap", "call_divert"]
    assert page.count('value="unauth_sim_swap"') == 1


@pytest.mark.django_db
def test_what_a_request_asks_for_is_ticked_in_groups_and_stays_ticked_after_a_refusal():
    factories.office()
    client = desk.client_of("k.mistry")
    typed = {"request_type": "cd_authorised", "grade": "3", "items": ["subscriber_name", "sms_text"]}

    answer = client.post(reverse("web:new_case", args=["le_disclosure"]), {**FORMSET, **typed})

    headings, ticked = _boxes(answer.content.decode(), "items")
    assert (answer.status_code, Case.objects.count()) == (422, 0)
    assert (len(headings), ticked) == (len(dataitems.CLASSES), ["subscriber_name", "sms_text"])


GRAVE = [
    ("fraud.forms.FactsForm", ("product", "sales_channel")),
    ("fraud.party_forms.PartyForm", ("role",)),
    ("fraud.party_forms.AddressForm", ("kind",)),
    ("fraud.forms.DisputeForm", ("grounds", "subject")),
    ("fraud.forms.RemoveForm", ("reason_code",)),
    ("fraud.trace.forms.HoldForm", ("outcome",)),
    ("rights.forms.FactsForm", ("right", "came_by")),
    ("rights.complaints.forms.FactsForm", ("about", "came_by")),
    ("disclosure.forms.FactsForm", ("request_type",)),
    ("disclosure.stepforms.ReturnForm", ("fault",)),
    ("disclosure.stepforms.RefuseForm", ("reason_code",)),
    ("disclosure.stepforms.ErrorForm", ("fault",)),
    ("disclosure.stepforms.SettleForm", ("kind", "cause")),
    ("disclosure.packageforms.PartForm", ("item", "media_type")),
    ("disclosure.packageforms.DocumentForm", ("document", "item")),
    ("disclosure.packageforms.HolderForm", ("address",)),
    ("disclosure.emergency.forms.FactsForm", ("risk",)),
    ("disclosure.emergency.forms.RefuseMoreForm", ("reason_code",)),
    ("association.forms.FactsForm", ("basis", "channel", "agreement_kind")),
    ("association.forms.PartyForm", ("role",)),
    ("association.forms.ChallengeForm", ("how",)),
    ("association.forms.BreakForm", ("asked_by", "identity_check", "how")),
    ("association.forms.RefuseBreakForm", ("exposure",)),
    ("debt.forms.BatchForm", ("agency",)),
    ("debt.sale.forms.AgainForm", ("source",)),
    ("debt.moratorium.forms.PartyForm", ("role",)),
    ("rights.forms.PartyForm", ("role",)),
    ("fraud.suspicion.forms.FactsForm", ("reason_code",)),
    ("fraud.suspicion.forms.PartyForm", ("role",)),
    ("web.onecase.linking.LinkForm", ("kind",)),
    ("web.onecase.holding.HoldForm", ("kind", "source")),
    ("kernel.office.confirming.ConfirmForm", ("user",)),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("form", "names"), GRAVE)
def test_nothing_grave_is_chosen_before_somebody_chose(form, names):
    case = factories.referred(factories.office())
    extra = {
        "HolderForm": {"addresses": ["+447700900123"]},
        "PartForm": {"items": ["subscriber_name"]},
        "DocumentForm": {"items": ["subscriber_name"], "documents": list(case.evidence.all())},
        "ConfirmForm": {"actor": factories.job()},
    }
    plain = (".FactsForm", ".HoldForm", ".PartyForm", ".AddressForm", ".BatchForm", ".AgainForm", ".LinkForm")
    given = extra.get(form.rpartition(".")[2], {} if form.endswith(plain) else {"case": case})
    given = {"case": case} if form == "fraud.trace.forms.HoldForm" else given
    made = import_string(f"cases.{form}")

    for name in names:
        shown = str(made(**given)[name])
        assert shown.index('<option value="" selected>Choose</option>') < shown.index("</option>")
        assert made({name: ""}, **given).errors[name] == ["Choose one. Nothing is chosen beforehand."]


@pytest.mark.django_db
def test_a_dispute_pressed_with_everything_untouched_is_refused_and_nothing_is_written():
    case = factories.filed(factories.office())
    client = desk.client_of("i.sowande")
    client.post(reverse("web:purpose", args=[case.uid]), {"purpose": "complaint"})
    path = reverse("web:step", args=[case.uid, "dispute"])

    before = state_of(case)
    answer = client.post(path, {"grounds": "", "subject": "", "received_date": ""})

    assert (answer.status_code, state_of(case), FraudDispute.objects.count()) == (422, before, 0)
    assert "Who disputes it: Choose one. Nothing is chosen beforehand." in answer.content.decode()
    client.post(path, {"grounds": "not_me", "subject": "nobody", "received_date": ""})
    assert FraudDispute.objects.get(case=case).party is None


@pytest.mark.django_db
def test_a_position_says_what_it_needs_and_marks_each_field_that_is_missing():
    case = emergencies.live(factories.office())

    form = emergency.GiveForm({"position": "50.3720, -4.1420"}, case=case)

    missing = ["A position is given with its radius, its source and its time."]
    names = ("radius_m", "location_source", "located_at")
    assert [form.errors.get(name) for name in names] == [missing] * 3
    assert [form[name].as_field_group().count("(with a position)") for name in names] == [1, 1, 1]
    assert "(optional)" in form["cell"].as_field_group()
    assert form["located_at"].label == "Time of the position"
    assert not set(emergency.GiveForm({"cell": "S1"}, case=case).errors) & set(names)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "name", "said"),
    [
        (emergency.WriteUpForm, "account", "Write what happened and why."),
        (emergency.FoundForm, "what", "Say what was given that was not needed."),
        (emergency.SettleForm, "how", "Say what was reported, to whom, and what the control room destroyed."),
        (stepforms.ReleaseForm, "compared", "Compare first, and tick each point."),
    ],
)
def test_what_is_refused_when_it_is_empty_is_not_called_optional(form, name, said):
    case = factories.referred(factories.office())

    assert "(optional)" not in form(case=case)[name].as_field_group()
    assert form({}, case=case).errors[name] == [said]


@pytest.mark.django_db
def test_each_production_order_says_under_which_act_and_no_two_grounds_read_alike():
    factories.office()
    page = desk.client_of("k.mistry").get(reverse("web:new_case", args=["le_disclosure"])).content.decode()

    listed = page[page.index('name="gateway"') :]
    orders = re.findall(r">(Production order[^<]*)<", listed[: listed.index("</select>")])

    assert orders == [
        "Production order, Police and Criminal Evidence Act 1984",
        "Production order, Proceeds of Crime Act 2002",
        "Production order, Terrorism Act 2000",
    ]
    labels = [each.label for each in notice.GATEWAYS.values()]
    assert len(set(labels)) == len(labels)


def test_no_form_leaves_what_is_missing_to_the_browsers_own_bubble():
    """A page says what is wrong at its head, with a link to each field; a browser shows one bubble for six seconds."""
    found = []
    for path in sorted(Path("templates").rglob("*.html")):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(encoding="utf-8"), re.DOTALL):
            opening = form.partition(">")[0]
            if re.search(r"\brequired\b|as_field_group", form) and "novalidate" not in opening:
                found.append(f"{path}: {opening[:110]}")
    assert found == []


def test_each_field_a_page_writes_itself_says_what_type_it_is():
    """The style sheet draws a field by its type; one without looks like no field at all."""
    found = []
    for path in sorted(Path("templates").rglob("*.html")):
        for field in re.findall(r"<input\b[^>]*", path.read_text(encoding="utf-8")):
            if "type=" not in field:
                found.append(f"{path}: {field[:110]}")
    assert found == []


SIGNS = '<b>"it\'s" & more</b>'
CHOICES = [("", "None"), ("a", SIGNS), ("A group & more", [("b", "B"), (SIGNS, "C")])]
DRAWN = [
    *((widget(attrs={"maxlength": 9, "title": SIGNS}), SIGNS) for widget in (forms.TextInput, forms.Textarea)),
    *((widget(attrs={"required": True, "hidden": False}), None) for widget in (forms.TextInput, forms.Textarea)),
    (forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), "2026-11-29"),
    (forms.NumberInput(attrs={"step": 1}), 1234567),
    (forms.EmailInput(), "a@example.test"),
    (forms.HiddenInput(), 0),
    (forms.CheckboxInput(), True),
    (forms.CheckboxInput(), False),
    (forms.Select(choices=CHOICES), "a"),
    (forms.Select(choices=[]), None),
    (forms.SelectMultiple(choices=CHOICES), ["b", SIGNS]),
    (forms.RadioSelect(choices=CHOICES), SIGNS),
    (forms.CheckboxSelectMultiple(choices=CHOICES), ["a", "b"]),
]


@pytest.mark.parametrize(("widget", "value"), DRAWN)
def test_what_is_drawn_by_hand_is_what_the_templates_draw(widget, value):
    by_hand, by_template = ByHand(), TemplatesSetting()
    parts = [each for each in widget.subwidgets("name", value, {"id": "id"}) if "wrap_label" in each]

    for part in parts:
        context = {"widget": {**part, "wrap_label": False}}
        assert by_hand.render(part["template_name"], context) == by_template.render(part["template_name"], context)

    drawn = [widget.render("name", value, {"id": "id"}, renderer=renderer) for renderer in (by_hand, by_template)]
    assert drawn[0] == drawn[1] and drawn[0]
