"""What somebody does who has Feast and this package, and nothing else of Tradewind; run by ``test_standalone_install`` in a process of its own.

``python -S -I standalone_walk.py REQUEST``: REQUEST is JSON with ``target`` (folder with the two installed packages), ``third_parties``
(folders with everything else), ``fixtures`` (this folder), ``folder`` (to work in) and ``port``. Prints one line of JSON with what was
seen, and then is ``feast serve`` on that port of loopback until it is ended.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

OWN = ("tradewind_contracts", "tradewind_features")


class OnlyOwn:
    """Refuses every other package of the workspace, wherever it is installed, and remembers who asked for one."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0].startswith("tradewind_") and name.split(".")[0] not in OWN:
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def feast_command(*arguments: str) -> str:
    """What ``feast ARGUMENTS`` prints; raises what it raises."""
    from feast.cli.cli import cli

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        cli.main(list(arguments), standalone_mode=False)
    return said.getvalue()


def walk(folder: Path) -> dict[str, Any]:
    """Declare, apply, join, materialize, read and push in ``folder``."""
    from tradewind_features.online.reader import OnlineReader, Presence

    seen: dict[str, Any] = {"imported_by_the_reader": sorted({name.split(".")[0] for name in sys.modules} & {"feast", "pandas", "redis"})}

    import pandas as pd
    import small_repository as small
    from feast import FeatureStore
    from feast.data_source import PushMode

    small.write_repository(folder)
    repository = ("--chdir", str(folder))
    sys.path.insert(0, str(folder))
    seen["apply"] = feast_command(*repository, "apply", "--no-progress")
    store = FeatureStore(repo_path=str(folder))
    seen["views"] = sorted(view.name for view in store.list_batch_feature_views())

    corrected = small.day(small.CORRECTED_DAY, 12)
    asked = pd.DataFrame({"courier_id": ["ana", "ana", "nobody"], "event_timestamp": [corrected, small.CORRECTED_AT, corrected]})
    seen["known_at"] = store.get_historical_features(asked, ["courier_pace:pace"]).to_arrow()["pace"].to_pylist()

    reader = OnlineReader(folder / "online.db")
    couriers = list(small.COURIERS)
    instants: list[tuple[str, Any]] = [("earlier", small.day(7, 12)), ("now", small.NOW)]
    for name, instant in instants:
        feast_command(*repository, "materialize-incremental", instant.replace(tzinfo=None).isoformat())
        rows = reader.read("courier_pace", couriers, instant)
        seen[name] = [None if value != value else value for value in rows.values["pace"].tolist()]
        seen[f"{name}_presence"] = [Presence(value).name for value in rows.presence.tolist()]
    answer = store.get_online_features(["courier_pace:pace"], [{"courier_id": courier} for courier in couriers]).to_dict()
    seen["now_by_feast"] = answer["pace"]

    pushed_at = small.NOW - small.HOUR
    record = {"courier_id": "ana", "event_timestamp": pushed_at, "created_timestamp": pushed_at, "pace": 3.5, "trips": 1}
    record |= {"grade": "A", "is_new": False}
    store.push("courier_pace_pushed", pd.DataFrame([record]), to=PushMode.ONLINE_AND_OFFLINE)
    seen["pushed_online"] = reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist()
    asked = pd.DataFrame({"courier_id": ["ana", "ana"], "event_timestamp": [pushed_at - small.HOUR, small.NOW]})
    seen["pushed_offline"] = store.get_historical_features(asked, ["courier_pace:pace"]).to_arrow()["pace"].to_pylist()
    return seen


def main() -> None:
    """Walk, say what was seen, and serve."""
    request = json.loads(sys.argv[1])
    sys.path[:0] = [request["target"], request["fixtures"]]
    sys.path += request["third_parties"]
    guard = OnlyOwn()
    sys.meta_path.insert(0, guard)  # type: ignore[arg-type]  # a finder needs find_spec only
    began = time.process_time()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        seen = walk(Path(request["folder"]))
    seen["seconds"] = time.process_time() - began
    seen["asked_for_others"] = guard.asked
    seen["of_tradewind"] = sorted({name.split(".")[0] for name in sys.modules if name.startswith("tradewind_")})
    seen["from"] = {name: getattr(sys.modules[name], "__file__", None) for name in OWN if name in sys.modules}
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()
    serving = ("serve", "--host", "127.0.0.1", "--port", str(request["port"]), "--workers", "1", "--no-access-log")
    feast_command("--chdir", request["folder"], *serving, "--registry_ttl_sec", "600")


if __name__ == "__main__":
    main()
