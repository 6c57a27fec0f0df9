"""The kinds of values a configuration holds, each parsed once, at the edge: `"10m"` in TOML, `timedelta` inside.

A component's settings are a frozen model beside its class. The description of each field becomes the reference page
and the JSON Schema; unknown keys are errors.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final, Protocol

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

_DURATION: Final = re.compile(r"([0-9]{1,13}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_DURATION_MAX: Final = timedelta(days=36_500)
_DURATION_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"([0-9]{1,19}) *(B|KiB|MiB|GiB|KB|MB|GB)?")
_SIZE_BYTES: Final = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE_MAX: Final = 2**62
_RATE: Final = re.compile(r"([0-9]{1,9}) */ *([0-9]{0,12})(s|min|m|h|d)")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")
_LISTEN: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_SEALING_KEY: Final = re.compile(r"[0-9A-Fa-f]{64}")
_RATE_S: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Rate(BaseModel):
    """So many calls in so many seconds."""

    model_config = ConfigDict(frozen=True)
    calls: int
    per_s: float

    def __str__(self) -> str:
        return f"{self.calls}/{self.per_s:.15g}s"


def parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('is not a duration; write a number and a unit, such as "500ms", "30s", "10m", "2h" or "30d"')
    seconds = float(match[1]) * _DURATION_S[match[2]]
    if seconds > _DURATION_MAX.total_seconds():
        raise ValueError(f"is longer than anything should take; {_DURATION_MAX.days}d is the most")
    return timedelta(seconds=seconds)


def parse_size(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        size = int(match[1]) * _SIZE_BYTES[match[2]]
    else:
        raise ValueError('is not a size; write a number and a unit, such as "64KiB", "1MiB" or "10GiB"')
    if not 0 <= size <= _SIZE_MAX:
        raise ValueError("is not a size a machine has")
    return size


def parse_rate(value: Any) -> Any:
    if isinstance(value, Rate):
        return value
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0 or (match[2] and int(match[2]) == 0):
        raise ValueError('is not a rate; write calls per time, such as "4/s", "1000/min" or "10/5s"')
    return Rate(calls=int(match[1]), per_s=int(match[2] or 1) * _RATE_S[match[3]])


def _write_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s") if seconds else ("s",):
        if seconds % _DURATION_S[unit] == 0:
            return f"{seconds / _DURATION_S[unit]:.0f}{unit}"
    return f"{seconds * 1000:.15g}ms"


def _write_size(value: int) -> str:
    for unit in ("GiB", "MiB", "KiB"):
        if value and value % _SIZE_BYTES[unit] == 0:
            return f"{value // _SIZE_BYTES[unit]}{unit}"
    return f"{value}B"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_write_duration),
    WithJsonSchema(
        {"title": "duration", "type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["30s", "10m", "3d"]}
    ),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(_write_size, when_used="json"),
    WithJsonSchema(
        {
            "title": "size",
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^{_SIZE.pattern}$"}],
            "examples": ["64KiB", "1MiB"],
        }
    ),
]
RateLimit = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(str),
    WithJsonSchema(
        {"title": "rate", "type": "string", "pattern": f"^{_RATE.pattern}$", "examples": ["4/s", "1000/min"]}
    ),
]


def is_loopback(host: str) -> bool:
    """Whether what this names is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Listen(BaseModel):
    """An address and port to listen on."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int = Field(ge=0, le=65535)

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        match = _LISTEN.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None or int(match[2]) > 65535:
            raise ValueError('is not an address; write host and port, such as "127.0.0.1:8080" or "[::1]:8080"')
        return {"host": match[1].strip("[]"), "port": int(match[2])}

    @model_serializer
    def _write(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "title": "address",
            "type": "string",
            "pattern": f"^{_LISTEN.pattern}$",
            "examples": ["127.0.0.1:8080", "[::1]:8080"],
        }

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


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


class Private(Secret):
    """What may hold a secret and mostly does not, such as an address: never printed either."""

    __slots__ = ()


class SecretReader(Protocol):
    """What reads `{ file = ... }` and `{ credential = ... }`: handed in as the context of the validation."""

    def __call__(self, where: Mapping[str, Any]) -> str:
        """The secret that stands there. Raises ValueError that says what is wrong, without the secret."""
        ...


def _parse_secret(value: Any, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, Mapping) and info.context is not None:
        reader: SecretReader = info.context
        try:
            value = reader(value)
        except ValueError as exc:
            raise _secret_error(str(exc)) from None
    if not isinstance(value, str):
        raise _secret_error('is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }')
    if not value:
        raise _secret_error("is empty; give it a value, or leave the line out")
    return Secret(value)


def _secret_error(words: str) -> PydanticCustomError:
    """An error of its own type, so that nobody shows the value it is about."""
    return PydanticCustomError("secret", "{words}", {"words": words})


def _parse_private(value: Any, info: ValidationInfo) -> Secret:
    return value if isinstance(value, Private) else Private(_parse_secret(value, info).reveal())


def _secret_schema(title: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "title": title,
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {"file": {"type": "string"}},
                    "required": ["file"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {"credential": {"type": "string"}},
                    "required": ["credential"],
                    "additionalProperties": False,
                },
            ],
        }
    )


SecretText = Annotated[
    Secret, BeforeValidator(_parse_secret), PlainSerializer(lambda _: "***"), _secret_schema("secret")
]
"""A `Secret`, written as text, `{ file = ... }` or `{ credential = ... }`. Optional: `SecretText | None`."""


def _check_sealing_key(value: Secret) -> Secret:
    if not _SEALING_KEY.fullmatch(value.reveal()):
        raise _secret_error("is not a key; it must be 64 hex digits, as `openssl rand -hex 32` writes them")
    return value


SealingKey = Annotated[SecretText, AfterValidator(_check_sealing_key)]
"""A `Secret` of 256 random bits, in hex digits."""

PrivateText = Annotated[
    Secret, BeforeValidator(_parse_private), PlainSerializer(lambda _: "***"), _secret_schema("text or secret")
]
"""Written and kept like a SecretText, but nobody minds to find it in the file: an address, a header."""


class Settings(BaseModel):
    """The settings of one component, or one table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=False)

    def warnings(self) -> list[tuple[str, str]]:
        """What will work and is still unwise: (name of the field, what is wrong with it)."""
        return []


class SourceSettings(Settings):
    """What every source takes."""

    type: str

    @property
    def has_gifts(self) -> bool:
        """Whether donations may be among its records."""
        return True


def _check_path(path: str) -> str:
    if not _PATH.fullmatch(path):
        # With the value it might show what is secret, but for a typing error.
        raise _secret_error('is not a path; write "/" and letters, digits and . _ ~ - between slashes')
    return path


WebhookPath = Annotated[str, AfterValidator(_check_path)]


class WebhookSourceSettings(SourceSettings):
    """What every source takes that others push to."""

    sender_can_sign: ClassVar[bool] = True
    """False where the vendor has no way to show who is sending: then the path is the only secret there is."""

    path: WebhookPath | None = Field(
        None, description='Where it listens. Without it: "/webhooks/" and the name of the source.'
    )

    def path_for(self, name: str) -> str:
        """Where the source called `name` listens."""
        return self.path or f"/webhooks/{name}"


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

    gifts_of: ClassVar[str | None] = None
    """The one vendor whose donations it takes; None: anybody's."""

    @property
    def writes_gifts(self) -> bool:
        """Whether it writes donations down where they count, in the place of its account."""
        return False
