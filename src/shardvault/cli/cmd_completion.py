"""Print the script that lets a shell complete commands and options."""

from __future__ import annotations

import click

from shardvault.cli.output import write_text
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb

COMPLETE_VARIABLE = "_SHARDVAULT_COMPLETE"
"""Variable by which the script asks for completions."""

_PLACES = {
    "bash": "source <(shardvault completion bash)",
    "zsh": "source <(shardvault completion zsh)",
    "fish": "shardvault completion fish > ~/.config/fish/completions/shardvault.fish",
}


@click.command("completion", cls=Verb)
@click.argument("shell", type=click.Choice(list(_PLACES)), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print a script that completes commands and options in a shell.

    SHELL is bash, zsh or fish.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    kinds = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    script = kinds[shell](context.find_root().command, {}, "shardvault", COMPLETE_VARIABLE)
    write_text(f"# To use it: {_PLACES[shell]}")
    write_text(script.source_template % script.source_vars())
    return 0


def complete(program: click.Command, instruction: str) -> int:
    """Answer a shell that asks what may come next."""
    from click.shell_completion import shell_complete

    return shell_complete(
        program, {"obj": Settings()}, "shardvault", COMPLETE_VARIABLE, instruction
    )
