"""The one typed reader of the environment. Everything has a default that works on a fresh clone."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradewind_contracts.errors import SettingsError

SECRETS = ("api_key", "online_url", "log_key", "openlineage_api_key")
"""Settings that hold a secret: handed on to child processes only where they are set, and shown by no error."""


class Settings(BaseSettings):
    """Where state lives, which world is meant, and how services are reached. Environment prefix: ``TRADEWIND_``.

    Paths may be relative: to the folder that the command is started in.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEWIND_", frozen=True, extra="ignore")

    home: Path = Field(default=Path("var"), description="Home folder of all state; never in git.")
    source: str = Field(default="simulator", description="Source that fills the world.")
    world: str = Field(default="", description="World to work in; empty takes the source's name.")
    data: str = Field(
        default="",
        description="Zip or folder with the source's files; empty: what stands beside the checkout, or what the source makes itself.",
    )
    as_of: str = Field(default="", description="Instant to freeze the clock at; empty takes the source's default.")
    threads: int = Field(default=2, ge=1, description="Threads for DuckDB and LightGBM.")
    memory_limit: str = Field(default="2GB", description="DuckDB's memory limit; it spills to disk beyond.")
    feature_retention_days: int = Field(
        default=1095,
        ge=1,
        description="Days of published feature rows that are kept, counted from the newest; views that never expire keep all.",
    )
    registry_url: str = Field(default="", description="SQLAlchemy URL of the model registry; empty: SQLite in the home.")
    bundle_url: str = Field(default="", description="fsspec URL of the bundle store; empty: a folder in the home.")
    online_url: SecretStr | None = Field(
        default=None,
        description="Redis that holds the online stores, such as redis://localhost:6379/0; empty: a SQLite file in each world.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key that services ask for.")
    allow_anonymous: bool = Field(default=False, description="Serve without a key (loopback only).")
    prediction_log: bool = Field(default=True, description="Whether services keep a log of their answers in the world.")
    log_key: SecretStr | None = Field(default=None, description="Key that personal fields of the prediction log are hashed with.")
    log_hashed: str = Field(
        default="",
        description="Request fields that the prediction log keeps only hashed, by comma, such as merchant_id,order_id; needs the key.",
    )
    openlineage_url: str = Field(default="", description="Endpoint that OpenLineage events are sent to; empty: none are.")
    openlineage_api_key: SecretStr | None = Field(default=None, description="Key for that endpoint, where it asks for one.")
    host: str = Field(default="127.0.0.1", description="Address that services bind.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port of the ETA service.")

    @field_validator("online_url")
    @classmethod
    def _names_a_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() and not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("expected redis://host:port/database or rediss://…")
        return value

    @property
    def world_name(self) -> str:
        """The world that is meant."""
        return self.world or self.source

    @property
    def names_a_world(self) -> bool:
        """Whether an option or the environment says which world is meant; else it is the default source's."""
        return not self.model_fields_set.isdisjoint(("source", "world"))

    @property
    def paths(self) -> "Paths":
        """Where things stand in the home folder."""
        return Paths(home=self.home.absolute(), world=self.world_name)

    @property
    def data_path(self) -> Path | None:
        """The zip or folder with the source's files: as set, else beside the checkout if it is there, else ``None``."""
        if self.data:
            return Path(self.data)
        beside = Path("..") / "shared" / "data" / self.source
        return beside if beside.exists() else None

    def environment(self) -> dict[str, str]:
        """These settings as variables for a child process; secrets are handed on only where they are set."""
        secrets: dict[str, SecretStr | None] = {name: getattr(self, name) for name in SECRETS}
        values = {f"TRADEWIND_{name.upper()}": str(value) for name, value in self.model_dump(exclude=set(secrets)).items()}
        return values | {f"TRADEWIND_{name.upper()}": secret.get_secret_value() for name, secret in secrets.items() if secret is not None}

    @property
    def online_location(self) -> str | Path:
        """Where the world's online store is, as its reader opens it: a SQLite file, or a Redis URL with the world's prefix (a secret)."""
        if self.online_url is None or not self.online_url.get_secret_value():
            return self.paths.online_store
        url = self.online_url.get_secret_value()
        return f"{url}{'&' if '?' in url else '?'}prefix={self.online_prefix}"

    @property
    def online_prefix(self) -> str:
        """What the keys of the world's online store begin with on Redis."""
        return f"tradewind:{self.world_name}"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the model registry."""
        return self.registry_url or f"sqlite:///{self.paths.registry / 'registry.db'}"

    @property
    def bundle_store_url(self) -> str:
        """Fsspec URL of the bundle store."""
        return self.bundle_url or self.paths.bundles.as_uri()


class Paths:
    """The layout of the home folder (design: State). Nothing is created by asking."""

    def __init__(self, home: Path, world: str) -> None:
        self.home = home
        self.world = home / "worlds" / world
        self.world_file = self.world / "world.json"
        self.landing = self.world / "landing"
        self.warehouse = self.world / "warehouse" / "warehouse.duckdb"
        self.published = self.world / "published"
        self.feast_registry = self.world / "feast" / "registry.db"
        self.online_store = self.world / "online" / "online.db"
        self.materializations = self.world / "online" / "materializations"
        self.served_vectors = self.world / "online" / "served"
        self.pushed = self.world / "pushed"
        self.prediction_log = self.world / "predictions"
        self.monitoring = self.world / "monitoring"
        self.training_sets = self.world / "training_sets"
        self.scores = self.world / "scores"
        self.quality = self.world / "quality"
        self.dbt_target = self.world / "dbt_target"
        self.served_bento = self.world / "served_bento.txt"
        self.simulated = home / "simulated"
        self.registry = home / "registry"
        self.bundles = home / "bundles"
        self.bentos = home / "bentos"
        self.dagster = home / "dagster"
        self.logs = home / "logs"
        self.reports = home / "reports"


_present: Settings | None = None


def settings() -> Settings:
    """The settings of this process: read once from the environment, or as ``use`` set them.

    Raises:
        SettingsError: a variable has a value that can't be used; the message names it.
    """
    global _present
    if _present is None:
        _present = _read({})
    return _present


def use(**changes: object) -> Settings:
    """Read the environment again with ``changes`` laid over it (a command's options), and make that the process's settings.

    Changes that are ``None`` are left out, so that an option that was not given keeps the environment's value.

    Raises:
        SettingsError: a value can't be used; the message names it.
    """
    global _present
    _present = _read({name: value for name, value in changes.items() if value is not None})
    return _present


def _read(changes: dict[str, object]) -> Settings:
    try:
        return Settings(**changes)  # type: ignore[arg-type]  # pydantic judges the values
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRADEWIND_" + "_".join(str(part) for part in first["loc"]).upper()
        if first["loc"] and first["loc"][0] in SECRETS:
            raise SettingsError(f"{name}: {first['msg']} (what was found is not shown: it may hold a password)") from None
        raise SettingsError(f"{name}: {first['msg']} (found: {first.get('input')!r})") from error
