"""What the registry refuses beyond what contracts already name."""

from tradewind_contracts.errors import TradewindError


class GateError(TradewindError):
    """A version may not be served: a gate failed, or has no verdict."""

    exit_code = 8


class WorldError(TradewindError):
    """An alias of one world may not point to a version of another; nothing was changed."""

    exit_code = 10


class ConflictError(TradewindError):
    """Somebody else moved the alias first; nothing was changed."""

    exit_code = 9
