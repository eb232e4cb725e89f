"""The arguments and options that commands about models share."""

from typing import Annotated

import typer

Reference = Annotated[str, typer.Argument(help="A version: eta@1, or the world's eta@champion.")]
Model = Annotated[str, typer.Argument(help="Model, such as eta.")]
Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world whose aliases are meant.", show_default="the source's")]
