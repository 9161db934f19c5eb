"""Shell completion: the line that the README gives for bash works in bash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
#: runs the completion function as pressing Tab after these words does
_TAB = """
set -e
{setup}
spec=$(complete -p hcip)
function=$(echo "$spec" | sed -E 's/.* -F ([^ ]+) .*/\\1/')
COMP_WORDS=({words}) COMP_CWORD={at}
"$function" hcip
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """The completions that bash offers for the last of these words."""
    found = re.search(r'`(eval "\$\(_HCIP_COMPLETE=bash_source hcip\)")`', README)
    assert found, "the README gives the line for ~/.bashrc"
    script = _TAB.format(setup=found[1], words=" ".join(f"'{word}'" for word in words), at=len(words) - 1)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    bash = ["bash", "--norc", "--noprofile", "-c", script]
    done = subprocess.run(bash, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("hcip", "re"), {"reproduce", "retain"}),
        (("hcip", "rates", ""), {"hcris", "pfs"}),
        (("hcip", "verify", "--he"), {"--head", "--help"}),
    ],
)
def test_bash_completes_commands_and_options(words: tuple[str, ...], offered: set[str]) -> None:
    assert set(completed(*words)) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_readme_gives_the_lines_for_other_shells(shell: str) -> None:
    """zsh and fish may not be installed, so only their scripts are checked."""
    assert f"{shell}_source" in README
    hcip = [str(Path(sys.executable).parent / "hcip")]
    environment = os.environ | {"_HCIP_COMPLETE": f"{shell}_source"}
    script = subprocess.run(hcip, capture_output=True, text=True, env=environment, timeout=60, check=True).stdout
    assert f"_HCIP_COMPLETE={shell}_complete" in script
