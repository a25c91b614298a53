"""The sandbox recovery agency: a file goes to its SFTP server, its clerk opens and answers it, the answer is taken."""

import pytest

from cases.agencies import delivery, fetching
from cases.kernel.exchange import agencies, files
from cases.kernel.exchange.files import FileKind, Line
from cases.kernel.models import BatchFile, Callback
from tests.agencies import stage
from tests.agencies.filestage import ROWS, promised
from tests.agencies.stage import now

pytestmark = pytest.mark.django_db(transaction=True)
CODE = "sandbox-recoveries"


@pytest.fixture
def kinds():
    line = lambda row: Line(type="placement.accepted", data=dict(row))  # noqa: E731
    files.declare(FileKind(code="ack", label="Acknowledgement", line=line, is_balanced=True))
    yield
    del files._kinds["ack"]


def test_a_file_is_answered_and_its_answer_taken_once_also_after_a_restart(sandbox, kinds):
    for code in (CODE, "sandbox-debt-purchase"):
        file = promised(agencies.get(code))
        delivery.deliver_due(clock=now)
        assert stage.state_of(file.message) == "delivered"
        out = sandbox.folder / "files" / code / "out"
        stage.wait_for(lambda out=out: any(out.glob("*.pgp")))
        run = fetching.fetch_due(clock=now)
        assert (run.taken, run.refused) == (1, 0)
        answer = BatchFile.objects.get(channel=file.channel, direction="in")
        assert (answer.answers, answer.row_count, answer.total_pence) == (file, 2, 35366)
        assert answer.name == f"{code}_backoffice_ack_000001.csv.pgp"
    assert Callback.objects.count() == 4
    assert ROWS.count(b"\n") == 3

    sandbox.stop()
    sandbox.start()
    promised(agencies.get(CODE))
    delivery.deliver_due(clock=now)
    out = sandbox.folder / "files" / CODE / "out"
    stage.wait_for(lambda: len(list(out.glob("*.pgp"))) == 2)
    assert fetching.fetch_due(clock=now).taken == 1
