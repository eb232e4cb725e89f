"""Registers every command of `tradewind features`; each module of this package is one subject, and imports what is heavy when it runs."""

import typer

from tradewind_cli.features import catalogue, evolution, leaks, parity, store, training_sets

app = typer.Typer(
    name="features",
    help="What the features are, where they come from, what they cost, and training sets of them.",
    no_args_is_help=True,
)
app.command("list")(catalogue.list_views)
app.command("show")(catalogue.show)
app.command("search")(catalogue.search)
app.command("training-set")(training_sets.training_set)
app.command("parity")(parity.parity)
app.command("leaks")(leaks.leaks)
app.command("versions")(evolution.versions)
app.command("backfill")(evolution.backfill)
app.command("materialize")(store.materialize)
app.command("push")(store.push)
app.command("serve")(store.serve)
app.command("erase")(store.erase)
