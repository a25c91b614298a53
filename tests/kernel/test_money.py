"""An amount is written in one way, to the penny."""

import pytest

from cases.kernel import money


@pytest.mark.parametrize(
    ("pence", "written"),
    [
        (0, "£0.00"),
        (5, "£0.05"),
        (129_950, "£1,299.50"),
        (-5, "−£0.05"),
        (-150, "−£1.50"),
        (-129_950, "−£1,299.50"),
        (10**18 + 1, "£10,000,000,000,000,000.01"),
    ],
)
def test_an_amount_is_written_to_the_penny_whatever_its_sign_and_size(pence, written):
    assert money.pounds(pence) == written
