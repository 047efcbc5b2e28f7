"""What the parts of a scenario are made of: strict, frozen models and the ranges they share."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
Rows = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array: its items stay strictly typed."""

Minute = Annotated[int, Field(ge=0, le=10_080)]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Label = Annotated[str, Field(min_length=1, max_length=60)]
Share = Annotated[float, Field(ge=0, le=1)]
Sigma = Annotated[float, Field(ge=0, le=3)]
ProductId = Annotated[int, Field(ge=1, le=1_000_000)]


class Part(BaseModel):
    """One table of a scenario: no unknown key, no silent conversion, no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
