"""Refusals: the one exception that becomes an error answer, and the envelope that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof.contract.violations import Violation

BAD_REQUEST = "invalid_request_error"

# What follows the operation's prefix in a rule id -> (type, code). Codes as the official service was seen to send them;
# every other rule is about a value.
KINDS: Mapping[str, tuple[str, str]] = {
    "PROMPT-REQUIRED": (BAD_REQUEST, "missing_required_parameter"),
    "IMAGE-REQUIRED": (BAD_REQUEST, "missing_required_parameter"),
    "PARAM-FAMILY": (BAD_REQUEST, "unknown_parameter"),
    "RESPONSE-FORMAT-FAMILY": (BAD_REQUEST, "unknown_parameter"),
    "SIZE-VALUES": (BAD_REQUEST, "invalid_size"),
    "IMAGE-FILE": (BAD_REQUEST, "invalid_image_file"),
    "MASK-FILE": (BAD_REQUEST, "invalid_image_file"),
    "MARKUP-FILE": (BAD_REQUEST, "invalid_image_file"),
    "BACKGROUND-VALUES": ("image_generation_user_error", "invalid_value"),
}


class Refusal(Exception):
    """A request that is not served: the HTTP status, the four members of the error object, and `members` that some
    codes have beside them."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str = BAD_REQUEST,
        rule: str = "",
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
        self.kind = kind
        self.rule = rule
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def envelope(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": {**error, **self.members}}


def refuse(violation: Violation) -> Refusal:
    """The refusal of a body that breaks a rule of the contract."""
    kind, code = KINDS.get(violation.rule.partition("-")[2], (BAD_REQUEST, "invalid_value"))
    message = f"{violation.message}."
    return Refusal(message, param=violation.parameter or None, code=code, kind=kind, rule=violation.rule)
