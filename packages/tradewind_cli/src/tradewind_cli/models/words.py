"""What commands about models share: arguments and options, the name of who asks, the width of what is written."""

import getpass
import os
import shutil
import sys
from typing import Annotated

import typer

Reference = Annotated[str, typer.Argument(help="A version: eta@1, or the world's eta@champion.")]
Model = Annotated[str, typer.Argument(help="Model, such as eta.")]
Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world whose aliases are meant.", show_default="the source's")]
All = Annotated[bool, typer.Option("--all", help="Everything, not only the newest 50 lines.")]


def asking_person() -> str:
    """The name that history and audit keep: the user's, or the number where a container knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def typed(text: str) -> str:
    """A reason as it was meant: what an arrow key or a paste left between the words is no text, and must hold up no rollback."""
    from tradewind_registry.moves import unprintable

    return text.translate({ord(each): " " for each in unprintable(text)})


def text_width() -> int | None:
    """Columns of the terminal; None where the output goes into a file or a pipe, and each line stays one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
