"""The example an agency's engineers copy accepts our signature and refuses anything else."""

import re
import time

from cases.agencies import signatures
from tests.docs.pages import ROOT


def test_the_python_example_accepts_what_we_sign_and_nothing_else():
    block = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "agencies.md").read_text(), re.DOTALL)[1]
    space: dict = {}
    exec(block, space)  # noqa: S102 -- the page's own example
    is_genuine = space["is_genuine"]
    secret, other = signatures.new_secret(), signatures.new_secret()
    stamp = int(time.time())
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signatures.sign("msg-1", stamp, b"{}", live_secrets=[other, secret]),
    }

    assert is_genuine(headers, b"{}", secret)
    assert not is_genuine(headers, b"{ }", secret)
    assert not is_genuine(headers, b"{}", signatures.new_secret())
    assert not is_genuine({**headers, "webhook-timestamp": str(stamp - 400)}, b"{}", secret)
