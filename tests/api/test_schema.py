"""The description of the API is valid OpenAPI 3.1, complete, and readable without anything from elsewhere."""

import inspect
import json
import re
from html import unescape

import jsonschema
import pytest
import yaml
from drf_spectacular.validation import validate_schema

from cases.agencies import shapes
from cases.credit import searches
from cases.credit.models import Search
from cases.kernel import casetypes, releases
from cases.kernel.models import Agency
from tests.api.caller import callback


@pytest.fixture(scope="module")
def described() -> dict[str, dict]:
    """What is kept of the description between these tests, which only read it."""
    return {}


@pytest.fixture
def schema(client, db, described) -> dict:
    if not described:
        response = client.get("/api/v1/schema/")
        assert response.status_code == 200
        described.update(yaml.load(response.content, yaml.CSafeLoader))  # noqa: S506 -- the safe one, in C
    return described


def test_the_description_is_valid(schema):
    validate_schema(schema)

    assert schema["openapi"].startswith("3.1")
    assert sorted(schema["paths"]) == [
        "/api/v1/agencies/{code}/callbacks/",
        "/api/v1/fee-reversals/",
        "/api/v1/intake/accounts/",
        "/api/v1/intake/associations/",
        "/api/v1/intake/checks/",
        "/api/v1/intake/checks/status",
        "/api/v1/intake/contests/",
        "/api/v1/intake/disclosure-requests/",
        "/api/v1/intake/dp-complaints/",
        "/api/v1/intake/fraud-referrals/",
        "/api/v1/intake/moratoria/",
        "/api/v1/intake/rights-requests/",
        "/api/v1/intake/sim-events/",
        "/api/v1/partners/{code}/feedback",
        "/api/v1/partners/{code}/may-contact",
        "/api/v1/partners/{code}/records/check",
        "/api/v1/partners/{code}/sim-swap/check",
        "/api/v1/partners/{code}/sim-swap/retrieve-date",
        "/api/v1/partners/{code}/transactions/verify",
        "/api/v1/policy-holds/",
    ]


def test_every_call_has_headers_examples_and_all_its_answers(schema):
    expected = {
        "/api/v1/intake/disclosure-requests/": {
            *("202", "400", "401", "403", "404", "411", "413", "415", "422", "429"),
        },
        "/api/v1/agencies/{code}/callbacks/": {"202", "400", "401", "411", "413", "415", "422", "429"},
        "/api/v1/intake/associations/": {"201", "400", "401", "403", "404", "411", "413", "415", "422", "429"},
        "/api/v1/intake/fraud-referrals/": {"201", "400", "401", "403", "404", "411", "413", "415", "422", "429"},
        "/api/v1/intake/accounts/": {"200", "400", "401", "403", "411", "413", "415", "422", "429"},
        "/api/v1/policy-holds/": {"200", "400", "401", "403", "411", "413", "415", "422", "429"},
    }
    for path, statuses in expected.items():
        operation = schema["paths"][path]["post"]
        assert set(operation["responses"]) == statuses
        headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= headers
        assert operation["requestBody"]["content"]["application/json"]["examples"]
        for answer in operation["responses"].values():
            assert all(content["examples"] for content in answer["content"].values())
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_every_example_fits_its_own_schema(schema):
    for methods in schema["paths"].values():
        operation = methods["post"]
        contents = [operation["requestBody"]["content"]]
        contents += [answer["content"] for answer in operation["responses"].values()]
        for content in contents:
            for media in content.values():
                for example in media["examples"].values():
                    jsonschema.validate(example["value"], media["schema"])


def test_every_kind_of_message_is_described_field_by_field_with_an_example_that_fits(schema):
    assert set(schema["webhooks"]) == {code for code, kind in releases.KINDS.items() if not kind.is_reply} | {"chaser"}
    for code, methods in schema["webhooks"].items():
        operation = methods["post"]
        body = operation["requestBody"]["content"]["application/json"]
        example = body["examples"]["Example"]["value"]
        jsonschema.validate(example, body["schema"])
        assert (example["type"], body["schema"]["properties"]["type"]["enum"]) == (code, [code])
        assert set(operation["responses"]) - {"200"} == {"202", "410", "422", "429", "4XX"}
        headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key"}
        quiet = {"chaser", "fpa_answer", "fpa_dispute", "alert_upload", "le_ack", "le_clarify", "le_refuse"}
        quiet |= {
            "le_result",
            "le_piece",
            "le_destroy",
            "ipc_error",
            "emerg_answer",
            "emerg_destroy",
            "cra_assoc_query",
        }
        quiet |= {"ico_breach", "ipc_breach", "partner_answer", "cra_search", "fpa_search"}
        quiet |= {"alert_search", "trace_result", "cp_fraud_share"}
        quiet |= {"alert_search", "moratorium_answer", "moratorium_forward"}
        quiet |= {"bid_tape", "final_tape", "assignment", "sold_account_paid", "sold_account_default"}
        quiet |= {"dca_hold", "dca_release", "dca_recall", "dca_update"}
        quiet |= {"cra_correct", "cra_answer"}
        is_answered = code not in quiet
        assert ("We expect your answer within" in operation["description"]) == is_answered


def test_an_example_shows_what_is_sent_and_no_name_of_a_field(schema):
    for code, methods in schema["webhooks"].items():
        example = methods["post"]["requestBody"]["content"]["application/json"]["examples"]["Example"]["value"]
        assert not [name for name, value in _named(example["data"]) if value in (name.upper(), name, "")], code


def _named(value, name=""):
    """Return each leaf of a body with the name under which it stands."""
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _named(each, key)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _named(each, name)]
    return [(name, value)]


def test_what_a_search_has_to_be_answered_in_the_reply_is_described_and_is_what_is_read(schema):
    for code, found in (("cra_search", 2), ("fpa_search", 1), ("alert_search", 1)):
        operation = schema["webhooks"][code]["post"]
        content = operation["responses"]["200"]["content"]["application/json"]
        assert "Your answer is the data of your reply." in operation["description"]
        assert len(content["examples"]) == found
        for example in content["examples"].values():
            jsonschema.validate(example["value"], content["schema"])
            search = Search(search_type=example["value"]["data"].get("identity") and "identity" or "credit_hard")
            search.agency = Agency(kind=code.removesuffix("_search").replace("alert", "fraud_alert"))
            assert searches.least_of(search, example["value"]["data"])


def leaves(shape: dict, path: str = ""):
    """Every field of a described object as dotted path and data category."""
    for name, each in shape["properties"].items():
        inner = each.get("items", each)
        if "properties" in inner:
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", inner["x-data-category"]


def test_every_field_that_may_leave_stands_there_with_its_data_category(schema):
    for code, kind in ((code, kind) for code, kind in releases.KINDS.items() if not kind.is_reply):
        body = schema["webhooks"][code]["post"]["requestBody"]["content"]["application/json"]
        assert dict(leaves(body["schema"]["properties"]["data"])) == dict(kind.categories)


def test_every_kind_that_a_family_sends_is_declared():
    sent = {code for casetype in casetypes.all_types() for code in casetype.message_labels}
    assert sent <= set(releases.KINDS)


def test_every_type_of_callback_is_described_with_an_example(schema):
    known = {code for casetype in casetypes.all_types() for code in casetype.callbacks} | {"message.received"}
    body = schema["paths"]["/api/v1/agencies/{code}/callbacks/"]["post"]["requestBody"]
    content = body["content"]["application/json"]
    assert body["required"] is True
    assert known <= set(content["examples"])
    for code in known:
        meaning = content["examples"][code]["summary"]
        assert meaning.endswith(".") and f"{code}: {meaning}" in content["schema"]["properties"]["type"]["description"]
        jsonschema.validate(content["examples"][code]["value"], content["schema"])


def test_whatever_is_read_of_the_data_of_a_callback_is_shown_in_an_example():
    """Nobody who builds the other side has to guess what stands in `data`."""
    for casetype in casetypes.all_types():
        for code, act in casetype.callbacks.items():
            if "content.data" in inspect.getsource(act):
                assert casetype.callback_data.get(code), (casetype.code, code)


def test_the_description_says_of_each_type_which_data_it_needs_and_the_same_form_refuses_it(schema):
    """Each field that a type needs, taken from its example, makes a body that the document does not allow; and the form
    that stands there is the one to which it is held before anything is applied."""
    content = schema["paths"]["/api/v1/agencies/{code}/callbacks/"]["post"]["requestBody"]["content"][
        "application/json"
    ]
    taken = 0
    for casetype in casetypes.all_types():
        for code, shape in casetype.callback_shapes.items():
            body = {**content["examples"][code]["value"], "data": dict(casetype.callback_data[code])}
            jsonschema.validate(body, content["schema"])
            assert shapes.faults(body["data"], shape) == []
            (branch,) = (each for each in content["schema"]["oneOf"] if each["title"] == code)
            assert shape in branch["properties"]["data"].get("anyOf", [branch["properties"]["data"]])
            for name in shape["required"]:
                less = {key: value for key, value in body["data"].items() if key != name}
                assert shapes.faults(less, shape) == [(f"/{name}", "missing", "This is needed.")]
                with pytest.raises(jsonschema.ValidationError):
                    jsonschema.validate({**body, "data": less}, content["schema"])
                taken += 1
    assert taken > 10


def test_the_callbacks_of_the_tests_fit_the_description(schema):
    body = schema["paths"]["/api/v1/agencies/{code}/callbacks/"]["post"]["requestBody"]
    jsonschema.validate(callback(), body["content"]["application/json"]["schema"])


def test_the_page_shows_every_call_and_loads_nothing_from_elsewhere(client, db, schema):
    response = client.get("/api/v1/docs/")

    page = unescape(response.content.decode())
    assert response.status_code == 200
    assert all(path in page for path in schema["paths"])
    assert all(methods["post"]["summary"] in page for methods in schema["webhooks"].values())
    assert "Data category: Name and role." in page
    assert json.dumps(callback()["agency_reference"]).strip('"') in page
    assert not re.findall(r"<script|<style|style=|https?://|//cdn", page)
    assert "script-src 'self'" in response["Content-Security-Policy"]
