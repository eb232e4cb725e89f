"""How the online store lies on a Redis server: its keys, its values, and the scripts by which anything changes there.

All keys of a store begin with its prefix in braces, so that a cluster keeps them on one node and a script may use them together.
Hashes: ``views`` (name → spec), ``schemas`` (fingerprint → fields), ``materialized`` (view → record), ``erasures`` (key name and digest
→ µs), ``state`` (layout, generation, number of erasure changes, salt), and for each view ``rows:<view>`` (entity → value). A value is event and created time, 8 bytes each,
then the packed row. Times are offset to unsigned and big-endian, so that halves of 32 bits compare exactly in Lua, whose only
numbers are doubles.
"""

import json
import struct
from dataclasses import dataclass

from tradewind_features.online.backend import EntityKey, PackedRow, StoredRow, ViewSpec
from tradewind_features.online.packing import PackedSchema

LAYOUT = 1
_STAMPS = struct.Struct(">QQ")
_OFFSET = 1 << 63


@dataclass(frozen=True)
class Keys:
    """The names of a store's keys on the server."""

    prefix: str

    def _named(self, name: str) -> str:
        return f"{{{self.prefix}}}:{name}"

    @property
    def state(self) -> str:
        """Hash of what is one of a kind."""
        return self._named("state")

    @property
    def views(self) -> str:
        """Hash of the views' specs."""
        return self._named("views")

    @property
    def schemas(self) -> str:
        """Hash of the schemas that rows were ever packed with."""
        return self._named("schemas")

    @property
    def materialized(self) -> str:
        """Hash of what each view's rows last came from."""
        return self._named("materialized")

    @property
    def erasures(self) -> str:
        """Hash of the erasures."""
        return self._named("erasures")

    def rows(self, view: str) -> str:
        """Hash of a view's rows."""
        return self._named(f"rows:{view}")


def field_of(key: EntityKey) -> bytes:
    """An entity's field in the hash of a view: text and integers are told apart."""
    return b"s" + key.encode() if isinstance(key, str) else b"i%d" % key


def key_of(field: bytes) -> EntityKey:
    """The entity of :func:`field_of`."""
    return field[1:].decode() if field[:1] == b"s" else int(field[1:])


def value_of(row: PackedRow) -> bytes:
    """A row's value: its times, then its bytes."""
    return _STAMPS.pack(row[1] + _OFFSET, row[2] + _OFFSET) + row[3]


def row_of(value: bytes) -> StoredRow:
    """The row in a value; one too short for its times is a row of no bytes that never expires, so that every reader refuses it."""
    if len(value) < _STAMPS.size:
        return _OFFSET - 1, _OFFSET - 1, b""
    event, created = _STAMPS.unpack_from(value)
    return event - _OFFSET, created - _OFFSET, value[_STAMPS.size :]


def stamp_of(instant_us: int) -> bytes:
    """An instant as the scripts compare it."""
    return struct.pack(">Q", instant_us + _OFFSET)


def spec_json(spec: ViewSpec) -> str:
    """A view's spec as it is kept; the schema by its fingerprint."""
    kept = {"key_name": spec.key_name, "ttl_us": spec.ttl_us, "fingerprint": spec.schema.fingerprint, "spec_digest": spec.spec_digest}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def spec_of(view: str, text: bytes, schemas: dict[int, PackedSchema]) -> ViewSpec:
    """The spec of :func:`spec_json`."""
    kept = json.loads(text)
    return ViewSpec(view, kept["key_name"], kept["ttl_us"], schemas[kept["fingerprint"]], kept["spec_digest"])


_NEWER = """
local function older(a, b)
  local a1, a2, a3, a4 = struct.unpack('>I4I4I4I4', a)
  local b1, b2, b3, b4 = struct.unpack('>I4I4I4I4', b)
  if a1 ~= b1 then return a1 < b1 end
  if a2 ~= b2 then return a2 < b2 end
  if a3 ~= b3 then return a3 < b3 end
  return a4 < b4
end
"""

PREPARE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'generation', ARGV[2], 'erasures', 0, 'salt', ARGV[3])
end
return redis.call('HGET', KEYS[1], 'layout')
"""
"""KEYS: state. ARGV: layout, first generation (random: a store made anew must not pass for the old one), salt. Returns the layout there."""

KNOWN = """
return {redis.call('HGET', KEYS[1], 'layout'), redis.call('HGET', KEYS[1], 'generation'), redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}
"""
"""KEYS: state, views, schemas. Returns layout, generation, and both hashes as lists of names and values.

A script and no transaction: a server that is out of memory refuses every command of a transaction, reads too.
"""

READ = """
local found, from = {redis.call('HGET', KEYS[1], 'generation')}, #KEYS
for place = 2, #KEYS do
  local values, last = {}, from + tonumber(ARGV[place - 1])
  while from < last do
    local upto = math.min(from + 1000, last)
    for _, value in ipairs(redis.call('HMGET', KEYS[place], unpack(ARGV, from, upto - 1))) do values[#values + 1] = value end
    from = upto
  end
  found[place] = values
end
return found
"""
"""KEYS: state, then the rows of views. ARGV: how many fields are wanted of each, then the fields. Returns the generation, then values."""

DECLARE = """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if held == ARGV[2] then return 0 end
if held and cjson.decode(held)['key_name'] ~= ARGV[3] then
  redis.call('DEL', KEYS[5])
  redis.call('HDEL', KEYS[4], ARGV[1])
end
redis.call('HSETNX', KEYS[3], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'generation', 1)
return 1
"""
"""KEYS: state, views, schemas, materialized, rows. ARGV: view, spec, key name, fingerprint, fields."""

DROP = """
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('UNLINK', KEYS[4])
redis.call('HINCRBY', KEYS[1], 'generation', 1)
return 1
"""
"""KEYS: state, views, materialized, rows. ARGV: view."""

RENAME = """
local spec = redis.call('HGET', KEYS[2], ARGV[1])
if not spec then return -1 end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return -2 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[2], spec)
local record = redis.call('HGET', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if record then redis.call('HSET', KEYS[3], ARGV[2], record) end
redis.call('UNLINK', KEYS[5])
if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('RENAME', KEYS[4], KEYS[5]) end
redis.call('HINCRBY', KEYS[1], 'generation', 1)
return 1
"""
"""KEYS: state, views, materialized, rows, rows under the other name. ARGV: view, other name. -1: no such view; -2: the name is taken."""

WRITE = (
    _NEWER
    + """
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return -1 end
if redis.call('HGET', KEYS[1], 'erasures') ~= ARGV[3] then return -2 end
local written = 0
for place = 4, #ARGV, 2 do
  local held = redis.call('HGET', KEYS[3], ARGV[place])
  if not held or #held < 16 or not older(ARGV[place + 1], held) then
    redis.call('HSET', KEYS[3], ARGV[place], ARGV[place + 1])
    written = written + 1
  end
end
return written
"""
)
"""KEYS: state, views, rows. ARGV: view, spec, erasure changes as the caller knows them, then field and value of each row.

Returns how many took effect; -1: the view is declared otherwise; -2: the erasures are others by now.
"""

FORGET = """
local function later(stamp, held, from)
  local a1, a2 = struct.unpack('>I4I4', held, from)
  local b1, b2 = struct.unpack('>I4I4', stamp)
  if a1 ~= b1 then return a1 > b1 end
  return a2 > b2
end
local gone = 0
for place = 2, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[place])
  if held and #held >= 16 and (later(ARGV[1], held, 1) or later(ARGV[1], held, 9)) then
    gone = gone + redis.call('HDEL', KEYS[1], ARGV[place])
  end
end
return gone
"""
"""KEYS: rows. ARGV: stamp, then fields. Deletes those whose event or created time is after the stamp; returns how many."""

ERASE = """
local at = redis.call('HGET', KEYS[2], ARGV[1])
if not at or tonumber(at) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
redis.call('HINCRBY', KEYS[1], 'erasures', 1)
return 1
"""
"""KEYS: state, erasures. ARGV: key name and digest, µs. From here on writers keep the entity out."""
