"""The definition of a feature table: a digest of the SQL that makes it, equal for equal SQL however it is laid out.

It is part of what a feature view means (:mod:`tradewind_features.specs`): other SQL is another feature, though its columns be the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlglot.dialects import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_lifecycle.builds import dbt_project_dir

INTERMEDIATE = "intermediate"
STAGING = "staging"

_TEXTS = frozenset(
    {
        TokenType.STRING,
        TokenType.RAW_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.NATIONAL_STRING,
        TokenType.UNICODE_STRING,
        TokenType.BYTE_STRING,
    }
)


def sql_definition(manifest: Mapping[str, Any], model: str) -> str:
    """The definition of the dbt model named ``model``: SHA-256 over its compiled SQL and that of the intermediate models it reads.

    ``manifest`` is dbt's, of a build that compiled the model; "" if that build did not (after `dbt parse` nothing is compiled), for then
    the definition is not known. Counted is each token of the compiled SQL, so macros and variables too. Left out are comments, layout,
    letter case outside of texts, quotes around names, the name of the database, and which source filled a staging model: the same SQL
    has one definition in every world and on every machine. A literal zone counts, as it changes values.

    Intermediate models count, theirs too: they are the inside of features. Marts and staging do not: they are tables with a contract of
    their own, which are mended and extended for many reasons, and a feature on a mended mart is the same feature on better data. An
    incremental model counts by its file, since what it compiles to differs from run to run.

    Tokens, not sqlglot's rendered tree: another release of sqlglot renders otherwise, and every view would seem redefined.

    Raises:
        NotFoundError: dbt knows no such model.
        StateError: an intermediate model's compiled SQL is absent; the marts half was never built in this target folder.
        IntegrityError: the SQL can't be read as DuckDB's.
    """
    node = _named(manifest, model)
    if not node.get("compiled_code"):
        return ""
    return _definition(manifest, node, str(node["compiled_code"]), _compiled_folder(node))


def _definition(manifest: Mapping[str, Any], node: Mapping[str, Any], sql: str, compiled: Path) -> str:
    parents = [manifest["nodes"][parent] for parent in node["depends_on"]["nodes"] if parent in manifest["nodes"]]
    for parent in parents:
        if parent.get("relation_name"):
            sql = sql.replace(str(parent["relation_name"]), f'"{parent["schema"]}"."{_name(parent)}"')
    reads = {_name(parent): _of_intermediate(manifest, parent, compiled) for parent in parents if _stage(parent) == INTERMEDIATE}
    return digest_json({"sql": _tokens(sql, str(node["name"])), "reads": reads})


def _of_intermediate(manifest: Mapping[str, Any], node: Mapping[str, Any], compiled: Path) -> str:
    if node["config"]["materialized"] == "incremental":
        return str(node["checksum"]["checksum"])
    path = compiled / node["original_file_path"]
    try:
        sql = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StateError(f"{path}: the compiled SQL of {node['name']} is absent; build the marts half first (`make run` does)") from error
    return _definition(manifest, node, sql, compiled)


def _compiled_folder(node: Mapping[str, Any]) -> Path:
    """Where dbt put compiled models: a model's own place less its path in the project (relative to the project, if dbt says so)."""
    place = dbt_project_dir() / str(node["compiled_path"])
    return place.parents[len(Path(node["original_file_path"]).parts) - 1]


def _named(manifest: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    if model not in models:
        raise NotFoundError(f"dbt knows no model {model!r} (there are: {', '.join(sorted(models)) or 'none'})")
    found: Mapping[str, Any] = models[model]
    return found


def _stage(node: Mapping[str, Any]) -> str:
    """The folder under ``models`` that the node stands in; "" for what is no model."""
    return str(node["fqn"][1]) if node["resource_type"] == "model" else ""


def _name(node: Mapping[str, Any]) -> str:
    name = str(node["name"])
    return name.replace(f"stg_{node['fqn'][2]}__", "stg__", 1) if _stage(node) == STAGING else name


def _tokens(sql: str, model: str) -> list[list[str]]:
    try:
        tokens: list[Token] = DuckDB().tokenize(sql)
    except TokenError as error:
        raise IntegrityError(f"dbt model {model}: its compiled SQL can't be read as DuckDB's ({error})") from error
    return [["text", token.text] if token.token_type in _TEXTS else ["code", token.text.lower()] for token in tokens]
