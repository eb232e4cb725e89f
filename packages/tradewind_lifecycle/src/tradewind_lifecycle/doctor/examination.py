"""What the checks of one visit share: settings, clock, the registry as far as it can be read, and what was looked at."""

import datetime as dt
import shlex
from dataclasses import dataclass, field

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import Clock, iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_registry.client import RegistryClient
from tradewind_registry.journal.comparing import Standing
from tradewind_registry.records import Version

OLD = dt.timedelta(hours=1)
"""How old what a crash left must be before it counts as left; chosen: no upload and no write takes so long."""


@dataclass
class Examination:
    """One visit. ``clock`` is the wall's: leftovers, overrules and history go by it, whatever the world's clock says."""

    settings: Settings
    who: str
    deep: bool = False
    clock: Clock = field(default_factory=Clock)
    registry: RegistryClient | None = None
    """None where the database is absent, out of reach, damaged or of another revision."""
    standings: dict[str, Standing] = field(default_factory=dict)
    """Database and journal by model, where both can be read."""
    looked: list[str] = field(default_factory=list)
    """What was looked at, in words."""

    @property
    def now(self) -> dt.datetime:
        """The wall's instant, UTC."""
        return self.clock.now()

    def living(self) -> list[tuple[str, Version]]:
        """Each alias of the world with the version that it names."""
        if self.registry is None:
            return []
        found = ((model, self.registry.aliases(model)) for model in self.registry.models())
        return [
            (f"{model}@{alias}", self.registry.resolve(f"{model}@{number}"))
            for model, aliases in found
            for alias, number in sorted(aliases.items())
        ]

    def command(self, *words: str) -> str:
        """A command of ours for this world, as a person types it."""
        world = () if self.settings.world_name == Settings.model_fields["source"].default else ("--world", self.settings.world_name)
        return "`" + shlex.join(("tradewind", *words, *world)) + "`"

    @property
    def mend_command(self) -> str:
        """The command that mends what can be mended; as deep a look as found it."""
        return self.command("doctor", "--mend", *(["--deep"] if self.deep else []))

    @property
    def run_command(self) -> str:
        """The command that makes again what is absent, and leaves alone what is there: at the instant where the world's clock is frozen."""
        source = self.settings.source
        options = [] if source == Settings.model_fields["source"].default else [f"SOURCE={shlex.quote(source)}"]
        try:
            at = World.read(self.settings.paths.world_file).clock.at
        except StateError:
            at = None  # No world, or a damaged one: the run lands it anew, at the instant that the source chooses.
        options += [f"AS_OF={iso(at)}"] if at else []
        return "`" + " ".join(["make run", *options]) + "`"
