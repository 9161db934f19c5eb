"""``settings.yaml`` of a home: who is alerted to failures, what is scheduled, on which engine. It changes no result."""

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
    """Who is notified: a program that reads the alert as JSON on its standard input, or an address it is posted to.

    Args:
        webhook_from: the environment variable that holds the address, where it is a secret.
        when: ``failure`` of a run; ``held``: a release holds payments.
    """

    command: tuple[str, ...] = ()
    webhook: str = ""
    webhook_from: str = ""
    when: tuple[Occasion, ...] = ("failure", "held")

    @model_validator(mode="after")
    def _one_way(self) -> AlertTarget:
        if sum(map(bool, (self.command, self.webhook, self.webhook_from))) != 1:
            raise ValueError("name one of command, webhook and webhook_from")
        if self.webhook and (problem := _address_problem(self.webhook)):
            raise ValueError(f"webhook: {problem}")
        secret = os.environ.get(self.webhook_from, "") if self.webhook_from else ""
        if secret and (problem := _address_problem(secret)):
            raise ValueError(f"webhook_from: the environment variable {self.webhook_from} holds {problem}")
        return self

    def address(self) -> str:
        """The webhook's address.

        Raises:
            HcipError: the variable that should hold it is not set.
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
        return "an address with characters that no address has"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "no address"
    if not host or parts.username is not None or "\\" in address:
        return "no address of a host alone"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return ""
    return "an address that does not begin with https:// (http:// is allowed to this machine itself only)"


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
        key: path of a private key without a passphrase, or of a public key whose private half an SSH agent holds; ``~``
            is the user's folder. It must not be in the home.
        identity: the name under which auditors list the key among their allowed signers: an email address.
    """

    key: str = Field(min_length=1)
    identity: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")


class Timestamps(_Strict):
    """Who stamps releases and the ledger's head (RFC 3161).

    Args:
        url: of the service, https.
        roots: path of a PEM file with the root certificates that its own are traced to.
    """

    url: str
    roots: str = Field(min_length=1)

    @model_validator(mode="after")
    def _may_be_asked(self) -> Timestamps:
        if problem := _address_problem(self.url):
            raise ValueError(f"url: {problem}")
        return self


class Settings(_Strict):
    """Everything that may be set; an absent file is the defaults.

    Args:
        automation: schedules and sensors are on from the start; each can be switched in the UI either way.
        settle_seconds: a folder of the inbox counts as complete when nothing in it has changed for so long.
        engine: computes builds where a command or run names none.
        spark_master: of Spark, where neither a command nor ``HCIP_SPARK_MASTER`` names one; empty: this machine.
        storage: where the home is shared with other machines (``HCIP_STORAGE`` comes first); empty: it is not.
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
        HcipError: the file is there and cannot be read, or states something unknown.
    """
    file = home.root / "settings.yaml"
    if not file.exists():
        return Settings()
    return validate_yaml(Settings, load_yaml(file, "settings"), file, "settings")


def check_settings(home: Home, report: Callable[[str], None], *, signs: bool = False) -> None:
    """Look at the settings before anything is done, so that a long run does not fail at its end.

    Args:
        report: called with a sentence about alerts that would reach no one; they fail no run.
        signs: the run releases something, so that the key must be able to sign now.

    Raises:
        HcipError: the settings cannot be read or state something unknown, the key cannot sign, or the roots of the time
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
            report(f"alerts: there is no program {target.command[0]}, so no alert is sent through it")


def signer_of(home: Home) -> Signer | None:
    """Who signs in this home; None where the settings name no one.

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
            "the signing key is named by an absolute path outside of the home",
            file=home.root / "settings.yaml",
            rule="SIGNING",
            fix="move the key to where only the person who signs can read it, or keep it in an SSH agent",
        )
    return Signer(key, signing.identity)


def timestamps_of(home: Home) -> TimestampService | None:
    """Who stamps in this home; None where the settings name no service. Nothing is sent.

    Raises:
        HcipError: the settings or the roots cannot be read.
    """
    named = load_settings(home).timestamps
    if named is None:
        return None
    from hcip_pipeline.ledger.timestamps import TimestampService, read_roots

    return TimestampService(named.url, read_roots(Path(named.roots).expanduser()))


def chosen_engine(home: Home, named: EngineChoice = _UNNAMED) -> EngineChoice:
    """The engine of a run, whole: what is named for it, else in the environment, else in the settings.

    Raises:
        UsageError: the engine does not exist or is not installed, or a master is named for one that has none.
        HcipError: the settings cannot be read.
    """
    settings = load_settings(home)
    engine = named.name or settings.engine
    require(engine)
    if named.master and engine != "spark":
        raise UsageError(f"--master applies to Spark, and this run is computed on {engine}", fix="add --engine spark")
    return EngineChoice(engine, named.master or os.environ.get("HCIP_SPARK_MASTER", "") or settings.spark_master)
