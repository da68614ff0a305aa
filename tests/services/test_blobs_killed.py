"""A process that keeps blobs is killed in the midst: what is said to be there is there, and the rest can be mended."""

import random
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from accountant.primitives.cid import cid_of
from accountant.services.blob_garbage import collect
from accountant.services.blobs import BlobTerms
from tests.support.blob_office import blob_office

ROOT = Path(__file__).parents[2]
BYTES = 3_000_000

# keeps one blob after the other until it is killed; prints the number of each that is kept
KEEP = """
import sys
from pathlib import Path
from tests.services.test_blobs_killed import data_of
from tests.support.blob_office import blob_office
from accountant.services.blobs import BlobTerms
url, folder, first = sys.argv[1:]
with blob_office(url, Path(folder), BlobTerms()) as blobs:
    print("begun", flush=True)
    for number in range(int(first), int(first) + 1000):
        blobs.put(data_of(number))
        print(number, flush=True)
"""


def data_of(number: int) -> bytes:
    return random.Random(number).randbytes(1_000) * (BYTES // 1_000)


def test_whoever_is_killed_promises_nothing_that_is_not_there(database_url: str, tmp_path: Path) -> None:
    """Three times at any moment: all that was told is there and right; what was not is missing, or there and right;
    sending it again mends it, and nothing but blobs is left once what crashes left was collected.
    """
    folder, chance = tmp_path / "blobs", random.Random(7)
    told: set[int] = set()
    with blob_office(database_url, folder, BlobTerms(upload_s=0.0)) as blobs:
        for first in (0, 1_000, 2_000):
            argv = [sys.executable, "-c", KEEP, database_url, str(folder), str(first)]
            with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "begun\n"
                time.sleep(0.1 + chance.random() / 2)
                process.kill()
                told |= {int(line) for line in process.stdout.read().split("\n")[:-1]}
        with blobs.engine.connect() as connection:
            rows = connection.execute(sa.text("select cid, missing_since is null from accountant.blobs")).all()
        kept = {bytes(cid): there for cid, there in rows}
        assert told and {cid_of(data_of(number)) for number in told} <= {cid for cid, there in kept.items() if there}
        assert len(kept) <= len(told) + 3
        beginnings = [
            max((n for n in told if n // 1_000 == first), default=first * 1_000 - 1) + 1 for first in range(3)
        ]
        for number in sorted(told | set(beginnings)):
            found = blobs.get(cid_of(data_of(number)))
            assert found == data_of(number) or (found is None and number not in told)
            assert blobs.put(data_of(number)) in kept or number in beginnings
            assert blobs.get(cid_of(data_of(number))) == data_of(number)
        collect(blobs)
        assert list(folder.glob("*.part")) == []
