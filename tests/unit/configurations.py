"""What the tests of the configuration share: a small registry that stays as it is, and ways to read a text."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.config.problems import rendered
from groundswell.errors import ConfigError
from groundswell.registry import ComponentType, Registry
from groundswell.settings import (
    PrivateText,
    RateLimit,
    SecretText,
    Settings,
    SinkSettings,
    SourceSettings,
    TransformSettings,
    WebhookSourceSettings,
)


class NoAuth(Settings):
    type: Literal["none"]


class BasicAuth(Settings):
    type: Literal["basic"]
    user: str = Field(description="The user name.")
    password: SecretText


class HookSettings(WebhookSourceSettings):
    """Takes what is posted."""

    auth: Annotated[NoAuth | BasicAuth, Field(discriminator="type")] = NoAuth(type="none")


class UnsignedHookSettings(WebhookSourceSettings):
    """Takes what is posted by somebody who cannot sign."""

    sender_can_sign: ClassVar[bool] = False


class PollSettings(SourceSettings):
    """Looks."""

    rate: RateLimit | None = Field(None, description="Calls.")
    pages: int = Field(1, ge=1, le=100)


class TidySettings(TransformSettings):
    """Tidies."""

    fields: dict[str, str] = Field(default_factory=dict)
    mode: Literal["fast", "slow"] = "fast"
    of: str | list[str] = Field("email", alias="from")


class PostSettings(SinkSettings):
    """Posts."""

    url: PrivateText = Field(description="Where to post.")
    token: SecretText | None = None
    tokens: list[SecretText] = Field(default_factory=list)

    def warnings(self) -> list[tuple[str, str]]:
        return [("url", "is not encrypted on its way")] if self.url.reveal().startswith("http:") else []


REGISTRY = Registry(
    accounts={},
    sources={
        "hook.webhook": ComponentType(HookSettings, None),
        "unsigned.webhook": ComponentType(UnsignedHookSettings, None),
        "poll": ComponentType(PollSettings, None),
    },
    transforms={"tidy": ComponentType(TidySettings, None)},
    sinks={"post": ComponentType(PostSettings, None)},
)

WHOLE = """
[sources.signups]
type = "hook.webhook"

[transforms.tidied]
type = "tidy"
inputs = ["signups"]

[sinks.crm]
type = "post"
inputs = ["tidied"]
url = "https://crm.example.org"
"""
"""A configuration with nothing wrong."""


def read(directory: Path, text: str, environ: Mapping[str, str] | None = None, registry: Registry = REGISTRY) -> Config:
    """The configuration in this text, as pipeline.toml of the directory."""
    file = directory / "pipeline.toml"
    file.write_text(dedent(text), "utf-8")
    return load([file], environ or {}, registry)


def problems(directory: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """What is wrong with this text, as people read it, without the first line, the directory as DIR; "" is nothing."""
    try:
        read(directory, text, environ)
    except ConfigError as error:
        _, _, lines = rendered(error).replace(str(directory), "DIR").partition("\n")
        return dedent(lines)
    return ""
