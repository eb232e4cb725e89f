"""No parameter without a source: each says where its number is from, or that it was chosen."""

import ast
import inspect
import re
import textwrap

import pytest
from pydantic import BaseModel

from tradewind_simulator.parameters import Parameters

SAYS = re.compile(
    r"chosen|fitted|calibrated|source|public|issue 3|same data|olist|delhivery|changshu|IBGE|CLT|Baymard|\b(1[89]|20)\d\d\b", re.I
)


def models(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """All models of parameters below ``model``, by name."""
    found: dict[str, type[BaseModel]] = {}
    for field in model.model_fields.values():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= {kind.__name__: kind, **models(kind)}
    return found


def below(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field of a model."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    texts = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            texts[field.target.id] = str(text.value.value)  # type: ignore[attr-defined]  # a constant, as was asked
    return texts


MODELS = models(Parameters)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_parameter_says_where_its_number_is_from(name: str) -> None:
    model = MODELS[name]
    texts, whole = below(model), bool(SAYS.search(inspect.cleandoc(model.__doc__ or "")))
    silent = []
    for field, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            continue
        text = f"{info.description or ''} {texts.get(field, '')}"
        if not SAYS.search(text) and not (whole and text.strip()):
            silent.append(field)
    assert not silent


def test_there_are_as_many_models_as_mechanisms_at_least() -> None:
    assert len(MODELS) > 40
