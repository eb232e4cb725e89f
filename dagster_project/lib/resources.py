"""What assets ask for by name: the settings of this process."""

import dagster as dg

from tradewind_contracts.settings import settings

RESOURCES = {
    "settings": dg.ResourceDefinition(
        resource_fn=lambda _: settings(),
        description="The typed settings: home, world, source, threads. The only reader of the environment.",
    )
}
