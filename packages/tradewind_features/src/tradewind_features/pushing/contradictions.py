"""Records that contradict one another: one entity, one event, known from one instant on, and different values.

Nobody could say which is right: online the one written last would be served, while a training set takes the greater. A clock that
runs tells two pushes apart, one that stands still does not, nor does a source without a created time.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tradewind_contracts.errors import QualityError
from tradewind_contracts.instants import iso
from tradewind_features.datasets import partition_name
from tradewind_features.pushing.listing import files_of_day
from tradewind_features.pushing.log import read_rows
from tradewind_features.pushing.records import RecordForm


def refuse_contradictions(form: RecordForm, rows: pa.Table, log: Path | None) -> None:
    """Refuse ``rows`` (stamped, in the source's types) that contradict each other, or those in the folder ``log`` if there is one.

    Raises:
        QualityError: two of them do; nothing was written.
    """
    stamp = [*form.keys, form.event, *([form.created] if form.created else [])]
    all_rows = rows if log is None else pa.concat_tables([rows, *_earlier(form, rows, log)], promote_options="permissive")
    distinct = all_rows.group_by(all_rows.column_names, use_threads=False).aggregate([])
    counted = distinct.group_by(stamp, use_threads=False).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], pa.scalar(1)))
    if twice.num_rows:
        event = twice.column(form.event)[0].as_py()
        raise QualityError(
            f"push to view {form.view}: {twice.num_rows} entities have records of one event (such as that of {iso(event)}), known from one instant"
            " on, that say different things; give a correction an event or a created time of its own; nothing was written"
        )


def _earlier(form: RecordForm, rows: pa.Table, log: Path) -> list[pa.Table]:
    """What the log holds of the same entities and days."""
    days = pc.unique(pc.floor_temporal(rows[form.event], unit="day").cast(pa.date32())).to_pylist()
    files = [path for day in days if day is not None for path in files_of_day(log / partition_name(day))]
    found = [read_rows(path) for path in files]
    for key in form.keys:
        found = [table.filter(pc.is_in(table[key], value_set=rows[key].combine_chunks())) for table in found]
    return [table.select([name for name in rows.column_names if name in table.column_names]) for table in found]
