"""The kinds of values a configuration holds, each parsed once, at the edge: `"10m"` in TOML, `timedelta` inside.

A component's settings are a frozen model beside its class. The description of each field becomes the reference page
and the JSON Schema; unknown keys are errors.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|KB|MB|GB)?")
_SIZE_BYTES: Final = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_RATE: Final = re.compile(r"(\d+)\s*/\s*(\d*)(s|min|m|h|d)")
_RATE_S: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Rate(BaseModel):
    """So many calls in so many seconds."""

    model_config = ConfigDict(frozen=True)
    calls: int
    per_s: float

    def __str__(self) -> str:
        return f"{self.calls}/{self.per_s:g}s"


def parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('is not a duration; write a number and a unit, such as "500ms", "30s", "10m", "2h" or "30d"')
    return timedelta(seconds=float(match[1]) * _DURATION_S[match[2]])


def parse_size(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('is not a size; write a number and a unit, such as "64KiB", "1MiB" or "10GiB"')
    return int(match[1]) * _SIZE_BYTES[match[2]]


def parse_rate(value: Any) -> Any:
    if isinstance(value, Rate):
        return value
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0 or match[2] == "0":
        raise ValueError('is not a rate; write calls per time, such as "4/s", "1000/min" or "10/5s"')
    return Rate(calls=int(match[1]), per_s=int(match[2] or 1) * _RATE_S[match[3]])


def _write_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _DURATION_S[unit] == 0:
            return f"{seconds / _DURATION_S[unit]:.0f}{unit}"
    return f"{seconds * 1000:g}ms"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_write_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["30s", "10m", "3d"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": f"^{_SIZE.pattern}$"}]}),
]
RateLimit = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": f"^{_RATE.pattern}$", "examples": ["4/s", "1000/min"]}),
]


class Listen(BaseModel):
    """An address and port to listen on."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int = Field(ge=0, le=65535)

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdecimal():
            raise ValueError('is not an address; write host and port, such as "127.0.0.1:8080" or "[::1]:8080"')
        return {"host": host.strip("[]"), "port": int(port)}

    @model_serializer
    def _write(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")


class Secret:
    """A value nobody prints. `reveal()` where it goes on the wire, nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def _parse_secret(value: Any) -> Any:
    """Text or a Secret: the loader has already read `{ file = ... }` and `{ credential = ... }`."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and value:
        return Secret(value)
    raise ValueError('is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }')


SecretText = Annotated[
    Any,
    BeforeValidator(_parse_secret),
    PlainSerializer(lambda _: "***"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]},
                {"type": "object", "properties": {"credential": {"type": "string"}}, "required": ["credential"]},
            ]
        }
    ),
]
"""A `Secret`."""


class Settings(BaseModel):
    """The settings of one component, or one table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=False)


class SourceSettings(Settings):
    """What every source takes."""

    type: str


class TransformSettings(Settings):
    """What every transform takes."""

    type: str
    inputs: list[str] = Field(min_length=1, description="Names of the sources and transforms it takes records from.")


class BatchSettings(Settings):
    """How many deliveries travel together."""

    records: int = Field(1, ge=1, le=10_000, description="At most so many in one write.")
    wait: Duration = Field(
        timedelta(0), description="How long to wait for a batch to fill. Without it a batch is what is waiting anyway."
    )


class SinkSettings(Settings):
    """What every sink takes."""

    type: str
    inputs: list[str] = Field(min_length=1, description="Names of the sources and transforms it takes records from.")
    concurrency: int = Field(4, ge=1, le=256, description="Writes at once. Deliveries about one person stay in order.")
    batch: BatchSettings = Field(default_factory=BatchSettings, description="How many deliveries travel together.")
    give_up_after: Duration = Field(
        timedelta(days=3), description="How long a delivery is tried before it becomes a dead letter."
    )
