"""The group `tradewind models`: which commands it has, and where each stands."""

import typer

from tradewind_cli.models import cards, moving, overruling, reading, reproducing

app = typer.Typer(help="What the registry holds: versions, cards, history, and the aliases of each world.", no_args_is_help=True)
app.command("list")(reading.list_versions)
app.command("show")(reading.show)
app.command("card")(cards.card)
app.command("reproduce")(reproducing.reproduce)
app.command("history")(reading.history)
app.command("diff")(reading.diff)
app.command("promote")(moving.promote)
app.command("rollback")(moving.rollback)
app.command("overrule")(overruling.overrule)
