"""How long a simulated year takes, and how much memory, as the marketplace grows: it should be linear in parcels and flat in days.

Each size runs in a process of its own, so that its peak memory is its own. Figures depend on the machine; the ratios should not.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SIZES = {"0.1 million": 245.0, "1 million": 2_450.0, "3 million": 7_350.0}
"""Orders a day; a year of them gives about so many parcels."""

RUN = """
import json, resource, sys, time
from pathlib import Path
from tradewind_simulator import preset, simulate
done = simulate(preset("large", orders_per_day=float(sys.argv[2])), Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": done.seconds, "cpu": time.process_time(), "peak": peak, "scans": done.rows["scan_events"], "payments": done.rows["payments"]}))
"""
PARCELS = "select count(distinct parcel_id) from read_parquet('{folder}/observed/parcels/*.parquet')"


@pytest.mark.benchmark
def test_a_simulated_year_is_linear_in_parcels(tmp_path: Path) -> None:
    import duckdb

    print(f"\n{'size':>12} {'parcels':>10} {'scans':>11} {'seconds':>8} {'CPU s':>7} {'µs/parcel':>10} {'peak, GiB':>10}")
    for name, orders_per_day in SIZES.items():
        out = tmp_path / name.replace(" ", "_")
        ran = subprocess.run([sys.executable, "-c", RUN, str(out), str(orders_per_day)], capture_output=True, text=True, check=True)
        found = json.loads(ran.stdout)
        parcels = duckdb.sql(PARCELS.format(folder=out)).fetchone()
        assert parcels is not None
        per_parcel = found["cpu"] / parcels[0] * 1e6
        print(
            f"{name:>12} {parcels[0]:>10,} {found['scans']:>11,} {found['seconds']:>8.1f} {found['cpu']:>7.1f} {per_parcel:>10.1f} {found['peak']:>10.2f}"
        )
