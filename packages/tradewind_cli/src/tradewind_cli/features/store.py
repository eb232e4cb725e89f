"""`tradewind features materialize | push | serve | erase`: what the online store of a world holds, how it gets there, and who may ask it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewind_contracts.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from tradewind_contracts.settings import Settings
    from tradewind_features.pushing.erasing import EntityErasure
    from tradewind_lifecycle.online_store import MaterializationReport

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")]
Why = Annotated[str, typer.Option(help="The reason, kept for ever; do not name the person.")]
_WIDE = 116
"""Width of a terminal from which all columns of a materialization are shown."""
_COLUMNS = {
    "how": True,
    "entities": False,
    "served": False,
    "expired": False,
    "read": True,
    "offered": True,
    "written": False,
    "seconds": False,
}
"""Columns of a materialization; true: just where the terminal is wide."""
PORT = 6566
"""Feast's own for its feature server."""


def materialize(source: Source = None, world: World = None) -> None:
    """Bring the online store to the world's clock: of each view, what became visible since the last time."""
    from rich.console import Console

    from tradewind_contracts.settings import use
    from tradewind_lifecycle import online_store

    settings = use(source=source, world=world)
    report = online_store.materialize(settings, lambda line: typer.echo(line, err=True))
    console = Console()
    console.print(_materialized(report, console.width))


def push(
    view: Annotated[str, typer.Argument(help="View that takes pushes; `tradewind features list` names them.")],
    text: Annotated[str | None, typer.Option("--json", help="One record, a list of records, or lists by column.")] = None,
    file: Annotated[Path | None, typer.Option(help="Records in a file: .json, .csv or .parquet.", exists=True, dir_okay=False)] = None,
    source: Source = None,
    world: World = None,
) -> None:
    """Push records to a view: into its log first, for later training sets, and then to whoever reads it next."""
    from tradewind_contracts.settings import use
    from tradewind_features.pushing.feeding import push_records, records_in, records_of
    from tradewind_lifecycle.feature_store import open_store, quiet_feast

    if (text is None) == (file is None):
        raise SettingsError("records: give them by --json or by --file, one of the two")
    records = records_of(text) if text is not None else records_in(file or Path())
    with quiet_feast():
        pushed = push_records(open_store(use(source=source, world=world)), view, records)
    typer.echo(f"{view}: {pushed:,} records stand in the log and are served from now on")


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = PORT,
    host: Annotated[str | None, typer.Option(help="Address to bind; beyond loopback a key is required.", show_default="127.0.0.1")] = None,
    source: Source = None,
    world: World = None,
) -> None:
    """Serve a world's features over HTTP (Feast's own protocol) until interrupted; callers show TRADEWIND_API_KEY."""
    from tradewind_cli.launching import require_free
    from tradewind_contracts.settings import use
    from tradewind_features.feature_server import Access
    from tradewind_features.feature_server import serve as serve_store
    from tradewind_lifecycle.feature_store import open_store

    settings = use(source=source, world=world)
    address = host or settings.host
    key = settings.api_key.get_secret_value() if settings.api_key else None
    try:
        Access.of(address, key, settings.allow_anonymous)  # refuses before Feast is loaded, which takes seconds
    except SettingsError as error:
        raise SettingsError(f"{error}: TRADEWIND_API_KEY is the key, TRADEWIND_ALLOW_ANONYMOUS=1 asks for the other") from error
    require_free(address, port, "--port")
    serve_store(open_store(settings), address, port, key, settings.allow_anonymous)


def erase(
    key_name: Annotated[str, typer.Argument(help="Join key, such as customer_id.")],
    key: Annotated[str, typer.Argument(help="Whose rows go.")],
    why: Why,
    source: Source = None,
    world: World = None,
) -> None:
    """Erase one entity (a person's right) from the online store, for good, and from the logs of pushed rows."""
    from rich.console import Console

    from tradewind_cli.tables import plain_table
    from tradewind_contracts.settings import use
    from tradewind_features.pushing.erasing import erase_entity
    from tradewind_lifecycle.feature_store import open_store, quiet_feast

    settings = use(source=source, world=world)
    store = open_store(settings)
    with quiet_feast():
        done = erase_entity(store.config, store.list_batch_feature_views(), key_name, key)
    noted = _note_erasure(settings, done, why)
    table = plain_table(f"Erased, {key_name}", "view", ("rows online", "rows in the log"))
    for view in sorted({*done.online, *done.pushed}):
        table.add_row(view, str(done.online.get(view, 0)), str(done.pushed.get(view, 0)))
    console = Console()
    console.print(table)
    told = [
        "Rows created by this instant never come back online; newer ones do.",
        f"Published tables still hold the entity, and training sets find it, until they are built again without it: {', '.join(sorted(done.published))}.",
        "Take it out of landing and `make run`.",
    ]
    for line in told:
        console.print(line, highlight=False, markup=False)
    console.print(f"noted, without the key: {noted}", highlight=False, markup=False, soft_wrap=True)


def _materialized(report: "MaterializationReport", width: int) -> "Table":
    """What became of each view; how it was done, and what was read and offered, where ``width`` has room for it."""
    from tradewind_cli.tables import plain_table

    shown = {name: wide for name, wide in _COLUMNS.items() if width >= _WIDE or not wide}
    table = plain_table(f"Online store as of {report.to_at}", "view", list(shown))
    for view in report.views:
        cells = {
            "how": view.mode,
            "entities": f"{view.entities:,}",
            "served": f"{view.rows:,}",
            "expired": f"{view.expired:,}",
            "read": f"{view.scanned:,}",
            "offered": f"{view.offered:,}",
            "written": f"{view.written:,}",
            "seconds": f"{view.seconds:.2f}",
        }
        table.add_row(view.view, *(cells[name] for name in shown))
    return table


def _note_erasure(settings: "Settings", done: "EntityErasure", why: str) -> Path:
    """Keep that an erasure was done, and why, without whose: beside the log of materializations."""
    from tradewind_contracts.files import write_text
    from tradewind_contracts.instants import Clock, iso

    noted_at = iso(Clock().now())
    folder = settings.paths.materializations.parent / "erasures"
    path = folder / f"{noted_at.replace('-', '').replace(':', '')}-{done.key_name}.json"
    counts = {"online": dict(done.online), "pushed": dict(done.pushed)}
    note = {
        "key_name": done.key_name,
        "at": iso(done.at),
        "noted_at": noted_at,
        "why": why,
        "rows": counts,
        "published": sorted(done.published),
    }
    write_text(path, json.dumps(note, indent=2, sort_keys=True) + "\n")
    return path
