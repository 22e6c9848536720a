"""What may be asked of the seat, to the letter: other fields, other types and numbers that are none are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"
Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]
Why = Annotated[str, Field(min_length=3, max_length=400, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Nonce = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
LimitName = Literal["daily_drawdown", "trade_risk", "position", "gross", "short_share", "positions", "losses", "trades"]


class Asked(BaseModel):
    """What all have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Login(Asked):
    """A token to log in with."""

    token: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[!-~]+$")]


class Quick(Asked):
    """An act that makes less happen: no reason is demanded."""

    why: Text = ""


class Resume(Asked):
    """To trade again; from HALTED it must be confirmed."""

    why: Why
    confirmation: Nonce | None = None


class Flatten(Asked):
    """To leave every position."""

    why: Why
    confirmation: Nonce


class Limit(Asked):
    """A limit, what it is to be, and until when (by the session's own time)."""

    limit: LimitName
    value: Annotated[float, Field(ge=0, le=1e9)]
    until: Annotated[str, Field(max_length=40, pattern=INSTANT, json_schema_extra={"format": "date-time"})]


class Override(Limit):
    """To set a limit for a time."""

    why: Why
    confirmation: Nonce


class ConfirmResume(Asked):
    """To be handed a word for resuming."""

    act: Literal["resume"]


class ConfirmFlatten(Asked):
    """To be handed a word for flattening."""

    act: Literal["flatten"]


class ConfirmOverride(Limit):
    """To be handed a word for this override and no other."""

    act: Literal["override"]


Confirm = Annotated[ConfirmResume | ConfirmFlatten | ConfirmOverride, Field(discriminator="act")]


class Last(BaseModel):
    """How many of the last ones."""

    model_config = ConfigDict(extra="forbid")

    last: Annotated[int, Field(ge=1, le=5000)] = 200


class Nothing(BaseModel):
    """No parameter at all."""

    model_config = ConfigDict(extra="forbid")
