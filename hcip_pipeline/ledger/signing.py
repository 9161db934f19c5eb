"""Signatures in OpenSSH's format, made by OpenSSH: ``ssh-keygen -Y sign``, namespace ``hcip-release``.

Belongs here: calling ``ssh-keygen`` with the key or the agent that ``settings.yaml`` names. Does not belong here:
checking a signature, which auditors do (``ssh-keygen -Y verify``, ``release.verification.signatures``).

Only ``ssh-keygen`` reads the key, which is never written, printed or logged.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import head_of

NAMESPACE = "hcip-release"
HEAD = "ledger.head"
_SECONDS = 120


@dataclass(frozen=True)
class Signer:
    """The key and identity that sign.

    Attributes:
        key: a private key without a passphrase, or a public key whose private half is in an agent.
        identity: the signer's principal in the auditors' file of allowed signers.
    """

    key: Path
    identity: str

    def sign(self, content: bytes) -> bytes:
        """Return the armored signature of ``content``.

        Raises:
            HcipError: the key does not exist or needs a passphrase, there is no agent, or OpenSSH is not installed.
        """
        command = ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(self.key)]
        environment = os.environ | {"SSH_ASKPASS_REQUIRE": "never"}
        try:
            made = subprocess.run(
                command,
                input=content,
                capture_output=True,
                env=environment,
                start_new_session=True,  # without a terminal, it cannot prompt for a passphrase
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise self._failed("ssh-keygen is not installed", "install OpenSSH") from error
        except subprocess.TimeoutExpired as error:
            raise self._failed("ssh-keygen did not respond", "unlock the agent or touch the token in time") from error
        if made.returncode or not made.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            raise self._failed(
                "ssh-keygen could not sign with the key",
                "load the key into the agent (ssh-add) and name its public half under `signing` in settings.yaml, or "
                "remove `signing`: then nothing is signed, and the audit report says so",
            )
        return made.stdout

    def _failed(self, what: str, fix: str) -> HcipError:
        return HcipError(what, file=self.key, rule="SIGNING", fix=f"{fix}; nothing was released or destroyed")


def sign_file(signer: Signer, path: Path, signature: Path) -> None:
    """Write the signature of a file. Raises HcipError as :meth:`Signer.sign`."""
    write_bytes(signer.sign(path.read_bytes()), signature)


def sign_head(home: Home, signer: Signer | None) -> None:
    """Write the ledger's head and its signature. Raises HcipError as :meth:`Signer.sign`."""
    head = head_of(home)
    if signer is None or not head:
        return
    content = f"{head}\n".encode()
    signature = signer.sign(content)
    write_bytes(content, home.root / HEAD)
    write_bytes(signature, home.root / f"{HEAD}.sig")
