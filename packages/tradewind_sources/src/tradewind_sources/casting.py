"""From text to typed columns, in SQL: each value is cast or gives its row a reason."""

from tradewind_sources.declaration import Form, SourceColumn, SourceFile

UNREADABLE = "_unreadable"
MISSING = "_missing"
"""Endings of the reasons of a column's values that can't be cast, or that a required column lacks."""

_VALUE = {
    Form.TEXT: "{c}",
    Form.INTEGER: r"case when regexp_full_match({c}, '[+-]?\d{{1,18}}(\.0+)?') then cast(split_part({c}, '.', 1) as bigint) end",
    Form.NUMBER: "case when isfinite(try_cast({c} as double)) then try_cast({c} as double) end",
    Form.MONEY: r"case when regexp_full_match({c}, '[+-]?\d+(\.\d+)?') then try_cast({c} as decimal(12, 2)) end",
    Form.LOCAL_INSTANT: "try_strptime({c}, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d'])",
    # A spreadsheet that saved the file once has dropped leading zeros.
    Form.POSTAL_PREFIX: r"case when regexp_full_match({c}, '\d{{4,5}}') then lpad({c}, 5, '0') end",
    Form.PRESENCE: "({c} is not null)",
}


def typed_query(file: SourceFile, text: str) -> str:
    """SQL over the relation ``text`` (the file's columns as strings): typed columns, ``source_row`` and ``reason``.

    ``reason`` names the first column that breaks its declaration, or is null. Empty text is null.
    """
    trimmed = ", ".join(f"nullif(trim({c.name}), '') as {c.name}" for c in file.columns)
    values = ", ".join(f"{_value(c)} as {c.name}" for c in file.columns)
    raw = ", ".join(f"{c.name} as raw_{i}" for i, c in enumerate(file.columns))
    typed = ", ".join(c.name for c in file.columns)
    reasons = " ".join(reason for i, c in enumerate(file.columns) for reason in _reasons(c, f"raw_{i}"))
    return (
        f"with trimmed as (select source_row, {trimmed} from {text}), "
        f"typed as (select source_row, {raw}, {values} from trimmed) "
        f"select source_row, {typed}, case {reasons} end as reason from typed"
    )


def readability_query(file: SourceFile, text: str) -> str:
    """SQL that counts, for each column, its non-empty and its unreadable values and gives one of the latter as a sample."""
    parts = []
    for column in file.columns:
        raw = f"nullif(trim({column.name}), '')"
        unreadable = f"{raw} is not null and ({_VALUE[column.form].format(c=raw)}) is null"
        parts += [f"count({raw})", f"count(*) filter ({unreadable})", f"min({raw}) filter ({unreadable})"]
    return f"select {', '.join(parts)} from {text}"


def _value(column: SourceColumn) -> str:
    return _VALUE[column.form].format(c=column.name)


def _reasons(column: SourceColumn, raw: str) -> list[str]:
    name = column.name
    found = [f"when {raw} is not null and {name} is null then '{name}{UNREADABLE}'"]
    if column.required:
        found.append(f"when {raw} is null then '{name}{MISSING}'")
    bounds = [f"{name} < {column.least}"] if column.least is not None else []
    bounds += [f"{name} > {column.greatest}"] if column.greatest is not None else []
    if bounds:
        found.append(f"when {' or '.join(bounds)} then '{name}_out_of_range'")
    if column.allowed:
        listed = ", ".join(f"'{value}'" for value in column.allowed)
        found.append(f"when {name} not in ({listed}) then '{name}_not_allowed'")
    return found
