"""The policy of the prediction log: which field of a request is kept, hashed or dropped under the settings of this process.

The form declares a treatment beside each field; the setting ``log_hashed`` names references that this deployment keeps only hashed. What
may never stand in the log as sent is held here: a field that is classed as direct is dropped, whatever was declared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.ids import postal_area_id, pseudonym
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import PersonalData
from tradewind_serving.prediction_log.treatments import Logged, Treatment

Form = Callable[[str | None], str | None]

REFERENCES = ("order_id", "merchant_id", "origin_area", "destination_area")
"""Columns of the log that refer to somebody or some place: what the policy decides about."""


@dataclass(frozen=True)
class FieldPolicy:
    """What is done with one field of a request, and why it is not what was declared, where it is not."""

    field: str
    column: str
    personal: PersonalData
    treatment: Treatment
    reason: str = ""


@dataclass(frozen=True)
class LogPolicy:
    """What is done with every field, in the order of the form; and the function for each reference column."""

    fields: tuple[FieldPolicy, ...]
    forms: Mapping[str, Form]

    @property
    def dropped(self) -> list[FieldPolicy]:
        """The fields that are not in the log."""
        return [field for field in self.fields if field.treatment is Treatment.DROPPED]


def policy_of(form: type[BaseModel], settings: Settings) -> LogPolicy:
    """The policy for requests of ``form`` under ``settings``.

    Raises:
        SettingsError: ``log_hashed`` names what is no reference of a request.
        ValueError: a field of the form declares nothing.
    """
    declared = {name: _declared(form, name) for name in form.model_fields}
    references = {name: logged for name, logged in declared.items() if logged.column in REFERENCES}
    hashed = {name.strip() for name in settings.log_hashed.split(",") if name.strip()}
    unknown = sorted(hashed - references.keys())
    if unknown:
        raise SettingsError(
            f"TRADEWIND_LOG_HASHED: {', '.join(unknown)} can't be hashed; expected some of {', '.join(sorted(references))}, by comma"
        )
    key = settings.log_key.get_secret_value() if settings.log_key else ""
    fields = tuple(_decided(name, logged, name in hashed, bool(key)) for name, logged in declared.items())
    forms = {field.column: _form(field, declared[field.field], key) for field in fields if field.field in references}
    return LogPolicy(fields, forms)


def _declared(form: type[BaseModel], name: str) -> Logged:
    for mark in form.model_fields[name].metadata:
        if isinstance(mark, Logged):
            return mark
    raise ValueError(f"{form.__name__}.{name}: declares no Logged; say what the prediction log does with it")


def _decided(name: str, logged: Logged, asked_for: bool, has_key: bool) -> FieldPolicy:
    wanted, reason = logged.treatment, ""
    if logged.personal is PersonalData.DIRECT and wanted is not Treatment.DROPPED:
        wanted, reason = Treatment.DROPPED, "names a person"
    elif asked_for:
        wanted, reason = Treatment.HASHED, "TRADEWIND_LOG_HASHED"
    if wanted is Treatment.HASHED and not has_key:
        wanted, reason = Treatment.DROPPED, "to be hashed, and TRADEWIND_LOG_KEY is not set"
    return FieldPolicy(name, logged.column, logged.personal, wanted, reason)


def _form(field: FieldPolicy, declared: Logged, key: str) -> Form:
    as_area = declared.treatment is Treatment.AREA

    def form(value: str | None) -> str | None:
        if value is None or field.treatment is Treatment.DROPPED:
            return None
        plain = postal_area_id(value) if as_area else value
        return pseudonym(key, field.column, plain) if field.treatment is Treatment.HASHED else plain

    return form
