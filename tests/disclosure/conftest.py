"""The office whose unit answers authorities."""

import pytest


@pytest.fixture
def people(db):
    from tests import disclosures, factories  # noqa: PLC0415 -- models load after the settings

    made = factories.office()
    disclosures.enter(made)
    return made
