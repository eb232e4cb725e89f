"""What Tradewind says when it refuses: one base class, so that the command line can tell a refusal from a bug."""


class TradewindError(Exception):
    """A refusal with a reason that a person can act on; the command line prints it and exits with ``exit_code``."""

    exit_code = 1


class SettingsError(TradewindError):
    """A setting or argument is missing, malformed or contradicts another."""

    exit_code = 2


class SourceError(TradewindError):
    """Somebody's data can't be read as what it claims to be."""

    exit_code = 3


class QualityError(TradewindError):
    """A critical claim about the data does not hold; nothing was published."""

    exit_code = 4


class StateError(TradewindError):
    """The home folder is absent, incomplete, read-only or full."""

    exit_code = 5


class IntegrityError(TradewindError):
    """A digest, a golden row or a contract does not match what was sealed."""

    exit_code = 6


class NotFoundError(TradewindError):
    """A named model, version, alias, table or feature does not exist."""

    exit_code = 7
