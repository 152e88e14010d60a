"""What is wrong with what somebody typed, in words that help to type it right."""

from apps.core.errors import InvalidRequest


class QueryProblem(InvalidRequest):
    """Nothing was looked for: `message` says what cannot be read, `hint` what to type instead."""

    code = "query_problem"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, do=hint)
        self.message, self.hint = message, hint
