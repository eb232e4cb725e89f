"""The key of an entity as the online store keeps it: one join key's text or integer, or several as one text.

A composite key is a JSON array of the join keys' values, in the alphabetical order of their names: ``[7,"m1"]`` for
``category_id,merchant_id``. Whoever writes and whoever asks build it here.
"""

import json
from collections.abc import Mapping, Sequence

from tradewind_contracts.errors import IntegrityError, SettingsError

SINGLE_ENTITY = ""
"""The one key of a view without entities, as Feast has it."""
EntityKey = str | int


def key_name(join_keys: Sequence[str]) -> str:
    """The name of the key of several join keys: in alphabetical order, joined with commas.

    Raises:
        SettingsError: a join key's name holds a comma.
    """
    if any("," in name for name in join_keys):
        raise SettingsError(f"join keys {list(join_keys)}: a name can't hold a comma")
    return ",".join(sorted(join_keys))


def composite_key(values: Mapping[str, EntityKey | None]) -> EntityKey | None:
    """The store's key of one entity, from its join keys' values by name; ``None`` where one of them is null."""
    if any(value is None for value in values.values()):
        return None
    if len(values) == 1:
        return next(iter(values.values()))
    return _array([values[name] for name in sorted(values)])


def composite_keys(columns: Mapping[str, Sequence[EntityKey | None]]) -> list[EntityKey | None]:
    """:func:`composite_key` for columns of join keys (by name, each [n])."""
    names = sorted(columns)
    if len(names) == 1:
        return list(columns[names[0]])
    return [None if None in values else _array(values) for values in zip(*(columns[name] for name in names), strict=True)]


def part_of(key: EntityKey, names: Sequence[str], wanted: Sequence[str]) -> tuple[EntityKey, ...]:
    """The values that the join keys ``wanted`` have in an entity's ``key`` of the join keys ``names`` (both in alphabetical order).

    Raises:
        IntegrityError: the key is not of these join keys.
    """
    if len(names) == 1:
        return (key,)
    try:
        values = dict(zip(names, json.loads(str(key)), strict=True))
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"entity key {key!r} is not a composite key of {', '.join(names)}") from error
    return tuple(values[name] for name in wanted)


def _array(values: Sequence[EntityKey | None]) -> str:
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)
