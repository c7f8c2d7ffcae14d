"""`kill -9` of a process that journals in a loop loses no record that it had reported."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.domain.state import State
from hotline.store.journal import FileJournal
from tests.store.conftest import NOON

WRITER = """
import sys
from pathlib import Path
from hotline.domain.state import State
from hotline.store.journal import FileJournal
from tests.store.conftest import NOON
from tests.store.test_journal import record
journal = FileJournal.open(Path(sys.argv[1]), utc=NOON, state_type=State, alarm=print, reserve=0)
seq = journal.start.seq
while True:
    journal.append([record(seq + k) for k in (1, 2, 3)])
    seq += 3
    sys.stdout.write(f"{seq}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("seed", range(5))
def test_no_reported_record_is_lost(tmp_path: Path, seed: int) -> None:
    """Wherever the writer is killed, the journal ends at or after its last report, without a gap."""
    lines = random.Random(seed).randrange(1, 3000)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.kill()
        rest = writer.stdout.read().splitlines()
    reported = int(next((line for line in reversed(rest) if line), 3 * lines))

    journal = FileJournal.open(tmp_path, utc=NOON, state_type=State, alarm=print, reserve=0)
    found = [record.seq for record in journal.read(0)]
    journal.close()

    assert list(range(1, len(found) + 1)) == found
    assert len(found) >= reported
    assert 0 == len(found) % 3
