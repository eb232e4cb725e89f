"""A person's right to be forgotten: gone from every view, kept out of what is written again, and remembered by a digest only."""

import hashlib
import hmac
import json
import random
import re
from pathlib import Path

import pytest
from online_rows import DAY_US, NOW_US, SCHEMA, Location, packed, speeds, written

from tradewind_contracts.errors import NotFoundError
from tradewind_features.online.backend import Backend, EntityKey, Erasure, ViewSpec, open_backend
from tradewind_features.online.entity_keys import composite_key
from tradewind_features.online.erasures import spellings
from tradewind_features.online.reader import OnlineReader
from tradewind_features.online.sqlite import SqliteBackend

PERSON = "maria-da-silva"
VIEWS = {"pace": "customer_id", "taste": "customer_id", "pairs": "customer_id,merchant_id", "triples": "customer_id,lane,merchant_id"}


def keys_of(person: EntityKey) -> dict[str, EntityKey]:
    """The person's key in each view."""
    whole = {"customer_id": person, "merchant_id": 7, "lane": "SP-RJ"}
    keys = {view: composite_key({name: whole[name] for name in key_name.split(",")}) for view, key_name in VIEWS.items()}
    assert None not in keys.values()
    return keys  # type: ignore[return-value]  # no null among them


def write(backend: Backend, person: EntityKey, created_us: int = NOW_US) -> dict[str, int]:
    """A row of the person in each view; how many took effect."""
    for view, key_name in VIEWS.items():
        backend.declare(ViewSpec(view, key_name, 0, SCHEMA))
    return {view: backend.write(view, packed([(key, created_us - DAY_US, created_us, 1.0)])) for view, key in keys_of(person).items()}


def held(backend: Backend, person: EntityKey) -> list[str]:
    """The views that have a row of the person."""
    found = backend.read({view: [key] for view, key in keys_of(person).items()})
    return [view for view, rows in found.items() if rows != [None]]


def test_an_erased_person_is_gone_from_every_view_and_nobody_else_is(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        write(backend, "somebody")
        backend.write("pairs", packed([(composite_key({"customer_id": PERSON, "merchant_id": 8}) or "", 0, 0, 2.0)]))
        backend.declare(ViewSpec("lanes", "lane", 0, SCHEMA))
        backend.write("lanes", packed([(PERSON, 0, 0, 5.0)]))  # a lane of that name is another entity
        assert backend.erase("customer_id", PERSON, NOW_US) == {"pace": 1, "pairs": 2, "taste": 1, "triples": 1}
        assert held(backend, PERSON) == []
        assert held(backend, "somebody") == list(VIEWS)
        assert backend.standing()["lanes"].rows == 1
    assert speeds(location, [PERSON, "somebody"], "pace") == [None, 1.0]


def test_what_was_created_by_the_erasure_does_not_come_back_and_what_is_created_afterwards_does(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        backend.erase("customer_id", PERSON, NOW_US)
        assert write(backend, PERSON, NOW_US) == dict.fromkeys(VIEWS, 0)
        assert write(backend, PERSON, NOW_US - DAY_US) == dict.fromkeys(VIEWS, 0)
        assert held(backend, PERSON) == []
        batch = packed([(PERSON, NOW_US, NOW_US, 3.0), ("b", NOW_US, NOW_US, 4.0), (PERSON, 0, NOW_US + 1, 5.0)])
        assert backend.write("pace", batch) == 2
        assert write(backend, PERSON, NOW_US + 2) == dict.fromkeys(VIEWS, 1)
    assert speeds(location, [PERSON, "b"], "pace") == [1.0, 4.0]


def test_an_erasure_holds_for_writers_in_other_processes_and_after_a_restart_and_for_views_declared_later(location: Location) -> None:
    with open_backend(location) as early, open_backend(location) as late:
        write(early, PERSON)
        late.erase("customer_id", PERSON, NOW_US)
        assert write(early, PERSON) == dict.fromkeys(VIEWS, 0)
    with open_backend(location) as backend:
        backend.declare(ViewSpec("later", "customer_id", 0, SCHEMA))
        assert backend.write("later", packed([(PERSON, 0, NOW_US, 1.0), ("other", 0, NOW_US, 1.0)])) == 1


def test_versions_of_a_view_that_are_kept_under_other_names_are_erased_too(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        backend.rename("pace", "pace_v1")
        write(backend, PERSON)
        assert backend.erase("customer_id", PERSON, NOW_US) == {"pace": 1, "pace_v1": 1, "pairs": 1, "taste": 1, "triples": 1}


def test_one_entity_of_several_keys_is_erased_without_its_parts(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        pair = composite_key({"merchant_id": 7, "customer_id": PERSON})
        assert pair == json.dumps([PERSON, 7], separators=(",", ":"))
        assert backend.erase("customer_id,merchant_id", pair, NOW_US) == {"pairs": 1, "triples": 1}
        assert held(backend, PERSON) == ["pace", "taste"]
        assert write(backend, PERSON) == {"pace": 1, "taste": 1, "pairs": 0, "triples": 0}


@pytest.mark.parametrize("named", [12345, "12345"])
@pytest.mark.parametrize("kept", [12345, "12345"])
def test_a_key_is_found_as_a_number_and_as_its_text(location: Location, kept: EntityKey, named: EntityKey) -> None:
    with open_backend(location) as backend:
        write(backend, kept)
        assert backend.erase("customer_id", named, NOW_US) == dict.fromkeys(sorted(VIEWS), 1)
        assert write(backend, kept) == dict.fromkeys(VIEWS, 0)


def test_text_that_is_no_plain_number_is_spelled_one_way() -> None:
    assert spellings("007") == ("007",)
    assert spellings("-5") == ("-5", -5)
    assert spellings("-0") == ("-0",)
    assert spellings("٣") == ("٣",)
    assert spellings(str(2**63)) == (str(2**63),)


def test_the_list_names_when_and_what_kind_and_keeps_the_later_instant(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        backend.erase("customer_id", PERSON, NOW_US)
        backend.erase("customer_id", PERSON, NOW_US - DAY_US)
        backend.erase("customer_id", "another", NOW_US + 5)
        found = backend.erased()
        assert sorted((erasure.key_name, erasure.at_us) for erasure in found) == [("customer_id", NOW_US), ("customer_id", NOW_US + 5)]
        assert len({erasure.digest for erasure in found}) == 2
        assert all(len(bytes.fromhex(erasure.digest)) == 32 for erasure in found)
        assert write(backend, PERSON, NOW_US) == dict.fromkeys(VIEWS, 0)


def test_erasing_again_is_harmless_and_a_key_that_no_view_has_is_refused(location: Location) -> None:
    with open_backend(location) as backend:
        write(backend, PERSON)
        backend.erase("customer_id", PERSON, NOW_US)
        assert backend.erase("customer_id", PERSON, NOW_US) == dict.fromkeys(sorted(VIEWS), 0)
        with pytest.raises(NotFoundError, match=r"no view has the join key 'costumer_id' \(there are: .*customer_id"):
            backend.erase("costumer_id", PERSON, NOW_US)
        assert len(backend.erased()) == 1


def test_the_digest_can_not_be_looked_up_and_differs_from_store_to_store(tmp_path: Path) -> None:
    digests: set[str] = set()
    for name in ("a.db", "b.db"):
        with open_backend(tmp_path / name) as backend:
            write(backend, PERSON)
            backend.erase("customer_id", PERSON, NOW_US)
            (erasure,) = backend.erased()
            digests.add(erasure.digest)
            assert isinstance(erasure, Erasure)
    message = json.dumps(["customer_id", PERSON]).encode()
    assert len(digests) == 2
    assert not digests & {hashlib.sha256(text).hexdigest() for text in (PERSON.encode(), message)}
    assert not digests & {hmac.digest(b"", message, "sha256").hex()}


def test_no_byte_of_an_erased_person_stays_in_the_files(tmp_path: Path) -> None:
    path, order = tmp_path / "online.db", random.Random(1)
    people = [f"person-{order.getrandbits(64):016x}" for _ in range(1000)]
    with open_backend(path) as backend:
        backend.declare(ViewSpec("pace", "customer_id", 0, SCHEMA))
        for moment in range(10):  # rows that grow, shrink and move between pages leave copies where they stood
            rows = packed([(person, moment, moment, 1.0) for person in order.sample(people, 500)])
            backend.write(
                "pace", [(key, event, created, row + str(key).encode() * order.randint(0, 6)) for key, event, created, row in rows]
            )
        reader = OnlineReader(path)
        reader.views()
        gone = order.sample(people, 200)
        with backend.transaction():
            for person in gone:
                backend.erase("customer_id", person, NOW_US)
        files = b"".join(file.read_bytes() for file in tmp_path.glob("online.db*"))
        there = {found.decode() for found in re.findall(rb"person-[0-9a-f]{16}", files)}
        assert there == set(people) - set(gone)
        reader.close()


def test_a_reader_in_the_middle_of_a_read_only_delays_that_the_log_is_emptied(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "online.db"
    written(path, [("a", NOW_US, NOW_US, 1.0)], ViewSpec("pace", "customer_id", 0, SCHEMA))
    with SqliteBackend(path, busy_timeout_ms=20) as backend, SqliteBackend(path) as reading:
        with reading._snapshot():  # what a slow reader does
            reading.views()
            assert backend.erase("customer_id", "a", NOW_US) == {"pace": 1}
        assert "holds the log" in caplog.text
        backend.note_materialized("pace", "{}")
        assert b"n1.0" not in b"".join(file.read_bytes() for file in tmp_path.glob("online.db*"))
