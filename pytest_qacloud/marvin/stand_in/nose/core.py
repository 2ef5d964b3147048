"""nose's test runner, as Marvin imports it."""

import unittest
from typing import Any


class TextTestRunner(unittest.TextTestRunner):
    """unittest's runner that also takes nose's `config`."""

    def __init__(self, *args: Any, config: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = config
