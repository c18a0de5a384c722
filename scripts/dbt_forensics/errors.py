"""The one kind of error that a user sees: a sentence that says what to do."""


class ForensicsError(Exception):
    """Stops a command with a sentence instead of a traceback.

    Args:
        sentence: What is wrong and what to do about it.
        exit_code: 2 for usage and configuration (the default), 1 for a finding or a refused action.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
