"""``settings.yaml`` of a home: alerts, automation, signing, engine, storage. It does not change any result."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.signing import Signer
from hcip_pipeline.warehouse.engine_choice import EngineChoice, EngineName, require

if TYPE_CHECKING:
    from hcip_pipeline.ledger.timestamps import TimestampService

Occasion = Literal["failure", "held"]

_UNNAMED = EngineChoice()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertTarget(_Strict):
    """Who is notified: a program that reads the alert as JSON on standard input, or an address to which it is posted.

    Args:
        webhook_from: the environment variable that contains the address, if it is a secret.
        when: ``failure``: a run failed; ``held``: a release holds payments.
    """

    command: tuple[str, ...] = ()
    webhook: str = ""
    webhook_from: str = ""
    when: tuple[Occasion, ...] = ("failure", "held")

    @model_validator(mode="after")
    def _one_way(self) -> AlertTarget:
        if sum(map(bool, (self.command, self.webhook, self.webhook_from))) != 1:
            raise ValueError("name exactly one of command, webhook and webhook_from")
        if self.webhook and (problem := _address_problem(self.webhook)):
            raise ValueError(f"webhook: {problem}")
        secret = os.environ.get(self.webhook_from, "") if self.webhook_from else ""
        if secret and (problem := _address_problem(secret)):
            raise ValueError(f"webhook_from: the environment variable {self.webhook_from} contains {problem}")
        return self

    def address(self) -> str:
        """The webhook's address.

        Raises:
            HcipError: the variable that should contain it is not set.
        """
        if not self.webhook_from:
            return self.webhook
        address = os.environ.get(self.webhook_from, "")
        if not address:
            raise HcipError(f"the environment variable {self.webhook_from} is not set", fix="set it to the address")
        return address


def _address_problem(address: str) -> str:
    """Why nothing may be posted to an address, without the address itself, which may be a secret; empty if it may."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return "an address with invalid characters"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "an invalid address"
    if not host or parts.username is not None or "\\" in address:
        return "an address without a host, or with a user name or backslash"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return ""
    return "an address that does not begin with https:// (http:// is allowed only to this machine)"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Signing(_Strict):
    """Who signs releases, the ledger's head and records of destruction.

    Args:
        key: path of a private key without a passphrase, or of a public key whose private key is in an SSH agent; ``~``
            is the user's folder. It must not be in the home.
        identity: the name of the key in the auditors' list of allowed signers, usually an email address.
    """

    key: str = Field(min_length=1)
    identity: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")


class Timestamps(_Strict):
    """The service that time-stamps releases and the ledger's head (RFC 3161).

    Args:
        url: https address of the service.
        roots: path of a PEM file with the root certificates of the service.
    """

    url: str
    roots: str = Field(min_length=1)

    @model_validator(mode="after")
    def _may_be_asked(self) -> Timestamps:
        if problem := _address_problem(self.url):
            raise ValueError(f"url: {problem}")
        return self


class Settings(_Strict):
    """All settings; without a file, the defaults.

    Args:
        automation: schedules and sensors are on from the start; each can be turned on or off in the UI.
        settle_seconds: an inbox folder counts as complete when nothing in it has changed for this long.
        engine: computes builds if a command or run does not name an engine.
        spark_master: Spark master if neither a command nor ``HCIP_SPARK_MASTER`` names one; empty: this machine.
        storage: address through which the home is shared with other machines (``HCIP_STORAGE`` takes precedence);
            empty: it is not shared.
    """

    automation: bool = False
    settle_seconds: int = Field(default=60, ge=0, le=86_400)
    alerts: tuple[AlertTarget, ...] = ()
    signing: Signing | None = None
    timestamps: Timestamps | None = None
    engine: EngineName = "duckdb"
    spark_master: str = ""
    storage: str = ""

    @field_validator("storage")
    @classmethod
    def _is_address(cls, storage: str) -> str:
        if storage and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/].*|file:///.+", storage):
            raise ValueError("name an address such as s3://bucket/prefix")
        return storage


def load_settings(home: Home) -> Settings:
    """The settings of a home.

    Raises:
        HcipError: the file exists but cannot be read, or has unknown or invalid settings.
    """
    file = home.root / "settings.yaml"
    if not file.exists():
        return Settings()
    return validate_yaml(Settings, load_yaml(file, "settings"), file, "settings")


def check_settings(home: Home, report: Callable[[str], None], *, signs: bool = False) -> None:
    """Check the settings before anything is done, so that a long run does not fail at its end.

    Args:
        report: called with a sentence about each alert target that cannot be reached; this fails no run.
        signs: the run releases something, so the key must be able to sign.

    Raises:
        HcipError: the settings cannot be read or are invalid, the key cannot sign, or the root certificates of the time
            stamp service cannot be read.
    """
    settings = load_settings(home)
    signer = signer_of(home)
    if signs and signer is not None:
        signer.sign(b"")
    if signs:
        timestamps_of(home)
    for target in settings.alerts:
        if target.webhook_from and not os.environ.get(target.webhook_from):
            report(f"alerts: the environment variable {target.webhook_from} is not set, so no alert is sent through it")
        if target.command and shutil.which(target.command[0]) is None:
            report(f"alerts: the program {target.command[0]} was not found, so no alert is sent through it")


def signer_of(home: Home) -> Signer | None:
    """The signer of this home; None if the settings do not name one.

    Raises:
        HcipError: the settings cannot be read, or the key is in the home, where anyone who can forge a release could
            also sign it.
    """
    signing = load_settings(home).signing
    if signing is None:
        return None
    key = Path(signing.key).expanduser()
    if not key.is_absolute() or key.resolve().is_relative_to(home.root):
        raise HcipError(
            "the signing key must be named by an absolute path outside the home",
            file=home.root / "settings.yaml",
            rule="SIGNING",
            fix="move the key to a place where only the signer can read it, or keep it in an SSH agent",
        )
    return Signer(key, signing.identity)


def timestamps_of(home: Home) -> TimestampService | None:
    """The time stamp service of this home; None if the settings do not name one. Sends nothing.

    Raises:
        HcipError: the settings or the root certificates cannot be read.
    """
    named = load_settings(home).timestamps
    if named is None:
        return None
    from hcip_pipeline.ledger.timestamps import TimestampService, read_roots

    return TimestampService(named.url, read_roots(Path(named.roots).expanduser()))


def chosen_engine(home: Home, named: EngineChoice = _UNNAMED) -> EngineChoice:
    """The engine and master of a run: as named for it, else by the environment, else by the settings.

    Raises:
        UsageError: the engine does not exist or is not installed, or a master is named for an engine without one.
        HcipError: the settings cannot be read.
    """
    settings = load_settings(home)
    engine = named.name or settings.engine
    require(engine)
    if named.master and engine != "spark":
        raise UsageError(f"--master applies to Spark, and this run is computed on {engine}", fix="add --engine spark")
    return EngineChoice(engine, named.master or os.environ.get("HCIP_SPARK_MASTER", "") or settings.spark_master)
