"""A writer of its own process, for tests: says ready, waits for a line, does one thing, says what came of it as JSON.

Arguments: home, registry URL, action (open | register | promote | rollback), a key or number, folder of the bundle, sample draft.
"""

import hashlib
import json
import sys
from pathlib import Path

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.settings import Settings
from tradewind_registry import Registry, VersionDraft


def main(home: str, url: str, action: str, what: str, folder: str, sample: str) -> object:
    settings = Settings(home=Path(home), registry_url=url)
    opened = Registry.open(settings) if action != "open" else None
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    registry = opened or Registry.open(settings)
    if action == "register":
        fields = json.loads(Path(sample).read_text())
        keys = [hashlib.sha256(key.encode()).hexdigest() for key in what.split(",")]
        return [registry.register(VersionDraft.model_validate({**fields, "inputs_key": key}), Path(folder)).number for key in keys]
    if action == "promote":
        moves = [registry.promote("eta", int(n), why="test", who=f"writer {what}") for n in what.split(",")]
        return [move.to_number for move in moves if move is not None]
    if action == "compare-and-swap":
        move = registry.promote("eta", int(what), why="test", who=f"writer {what}", expected=1)
        return move.to_number if move else None
    return registry.models()


if __name__ == "__main__":
    try:
        result = {"done": main(*sys.argv[1:])}
    except TradewindError as error:
        result = {"refused": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(result) + "\n")
