"""Addresses that are put together without Django's table are those that it gives."""

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse

UID = uuid4()


@pytest.mark.parametrize(
    ("asked", "name", "given"),
    [
        ("'web:queue'", "web:queue", []),
        ("'web:case' uid", "web:case", [UID]),
        ("'web:step' uid 'take'", "web:step", [UID, "take"]),
        ("'web:edit_address' uid 2 1", "web:edit_address", [UID, 2, 1]),
        ("'web:agency' 'sandbox-post'", "web:agency", ["sandbox-post"]),
        ("'web:queue' as found", "web:queue", []),
        ("'web:reveal' uid 'narrative' as found", "web:reveal", [UID, "narrative"]),
        ("name uid", "web:case", [UID]),
    ],
)
def test_a_page_writes_the_address_that_django_gives(asked, name, given):
    shown = Template(f"{{% url {asked} %}}{{{{ found }}}}").render(Context({"uid": UID, "name": "web:case"}))
    assert shown == reverse(name, args=given)


def test_an_address_that_there_is_not_is_no_address():
    with pytest.raises(NoReverseMatch):
        Template("{% url 'web:case' uid 'more' %}").render(Context({"uid": UID}))


def test_an_address_that_may_not_be_there_is_asked_for_by_name():
    assert Template("{% url 'no_such_page' as found %}<{{ found }}>").render(Context()) == "<>"
