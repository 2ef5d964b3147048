"""The base of nose's plugins."""

from typing import Any


class Plugin:
    """A plugin that is never asked for anything: nose is not running."""

    enabled = False
    enableOpt: str | None = None
    name: str | None = None
    score = 100
    can_configure = False

    def __init__(self) -> None:
        self.name = self.name or type(self).__name__.lower()
        self.enableOpt = self.enableOpt or f"enable_plugin_{self.name}"

    def options(self, parser: Any, env: Any) -> None:
        """Add no option."""

    def configure(self, options: Any, conf: Any) -> None:
        """Configure nothing."""
