"""What a person sees at the end of a run: rows, verdicts, metrics beside the baselines, answers beside the truth, what next."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tradewind_cli.tables import PROVES_CODE, floor_table, metrics_table, number, plain_table
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.provenance import data_kind
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Version

if TYPE_CHECKING:
    from dagster_project.lib.summary import RunSummary


def show(summary: "RunSummary", settings: Settings, console: Console) -> None:
    """Print the summary of a run of the whole."""
    clock = World.read(settings.paths.world_file).clock.now()
    console.print()
    console.print(f"[bold]As of {clock:%Y-%m-%d %H:%M} UTC[/] the run took {summary.seconds:.0f} s (Dagster run {summary.run_id[:8]})")
    console.print(_stages(summary))
    console.print(_quality(summary))
    with RegistryClient.open(settings) as registry:
        champion = registry.resolve("eta@champion")
        verdicts = registry.verdicts(champion)
    kind = champion.facts.get("data_kind", "real")
    console.print(_metrics(champion, kind))
    _floor(summary, settings, console)
    passed = sum(v.passed for v in verdicts)
    console.print(f"champion: [bold]{champion.reference}[/], bundle {champion.bundle_digest[:12]}, gates {passed}/{len(verdicts)} passed")
    answers = settings.paths.reports / "questions" / f"{settings.world_name}.json"
    asked = json.loads(answers.read_text(encoding="utf-8"))
    console.print(_answers(asked, kind) if asked else "[yellow]no order was placed on the day after: nothing was asked[/]")
    console.print("next: [bold]make dev[/] (the graph, runs and plots in the Dagster UI)   [bold]make serve[/] (the service on loopback)")
    console.print(f"      tradewind models card {champion.reference}")


def _stages(summary: "RunSummary") -> Table:
    table = plain_table("Stages", "stage", ("tables or assets", "rows", "seconds", ""))
    for stage in summary.stages:
        table.add_row(
            stage.stage,
            f"{stage.assets}",
            f"{stage.rows:,}" if stage.rows else "",
            f"{stage.seconds:.1f}",
            "reused" if stage.reused else "",
        )
    return table


def _quality(summary: "RunSummary") -> Table:
    table = plain_table("Quality (GX suites, dbt tests, gates, parity)", "stage", ("checks", "failed", "warnings"))
    for stage in summary.quality:
        table.add_row(stage.stage, f"{stage.checks}", f"{stage.errors}" if stage.errors else "0", f"{stage.warnings}")
    for stage in summary.quality:
        for name in stage.failed:
            table.add_row(f"[yellow]  {name}[/]")
    return table


def _metrics(version: Version, kind: str) -> Table:
    title = f"{version.reference} beside the baselines: {version.rows:,} parcels of the days after its fit ({kind} data)"
    return metrics_table(title, {version.reference: version.metrics, **version.baselines})


def _floor(summary: "RunSummary", settings: Settings, console: Console) -> None:
    """The noise floor, where this run measured one: only simulated data have a planted truth."""
    facts = summary.facts.get("models/eta_noise_floor", {})
    if "floor_mae_days" in facts:
        from tradewind_lifecycle.noise_floor import NoiseFloor, report_path

        console.print(floor_table(NoiseFloor.model_validate_json(report_path(settings).read_text(encoding="utf-8"))))
    if data_kind(settings) == "simulated":
        console.print(PROVES_CODE)


def _answers(answers: Sequence[Mapping[str, Any]], kind: str) -> Table:
    columns = ("p10", "p50", "p90", "it took", "", "promise shown")
    told = "the archive says" if kind == "real" else "the simulator says"
    table = plain_table(f"Asked over HTTP: {kind} orders of the day after, beside what {told} happened later (days)", "order", columns)
    for asked in answers:
        days = [asked["answer"]["estimates"][q]["days"] for q in ("p10", "p50", "p90")]
        actual = asked["actual_days"]
        inside = "" if actual is None else "inside" if days[0] <= actual <= days[2] else "[yellow]outside[/]"
        table.add_row(
            asked["order_id"][:8], *(f"{d:.1f}" for d in days), number(actual, 1), inside, number(asked["marketplace_promise_days"], 1)
        )
    return table
