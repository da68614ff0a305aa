"""Whether every operation on tensors pays for its time: each case measured again, beside the table of prices.

    make bench NAME=gas

The rival is the table itself, as it was calibrated: what an operation takes now, against what its gas paid for then. No
operation may take more than twice what it pays for on the machine that the table was calibrated on. The
machine's own gas per second is measured in the same run, so that a slower machine compares with itself.
"""

import argparse
import json
import statistics
import sys

import torch

from accountant.calibration.calibrate import priced
from accountant.calibration.cases import all_cases
from accountant.calibration.measure import clock_of, gas_per_second, measured
from accountant.chain.tensor_table import TENSOR_PRICES

SHOWN = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one case of each operation")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    clock, rate = clock_of("cpu"), gas_per_second()
    cases = all_cases()
    if quick:
        cases = list({case.name: case for case in reversed(cases)}.values())
    timed = [one for case in cases for one in measured(case, clock)]
    found = sorted(priced(timed, TENSOR_PRICES, rate), key=lambda one: one.paid)
    print(f"{len(found)} cases, {rate:,.0f} gas/s, table {TENSOR_PRICES.version}; the least paid:")
    for one in found[:SHOWN]:
        print(f"  {one.kind:28} {one.shapes:40} {one.seconds * 1e6:12,.1f} µs  {one.paid:6.2f} of its time")
    paid = [one.paid for one in found]
    report = {
        "benchmark": "gas",
        "cases": len(found),
        "least_paid": round(paid[0], 3),
        "median_paid": round(statistics.median(paid), 3),
        "most_paid": round(paid[-1], 3),
        "underpriced_more_than_2": sum(share < 0.5 for share in paid),
        "gas_per_second": round(rate),
    }
    print(json.dumps(report))
    sys.exit(1 if report["underpriced_more_than_2"] else 0)


if __name__ == "__main__":
    main()
