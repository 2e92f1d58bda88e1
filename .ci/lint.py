"""Run every check of the sources and of the zip's content, all of them even where one finds something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ["__init__.py", "engine", "models", "plugin", "processing_provider", "resources", "ui"]


def tool(*arguments: str) -> subprocess.CompletedProcess:
    """Run a Python tool of the set-up environment in the repository."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def present(paths: List[str]) -> List[str]:
    """Leave out what isn't there yet."""
    return [path for path in paths if (ROOT / path).exists()]


def tracked() -> List[str]:
    """Return the files that a commit would hold: what git tracks and what it would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def found_by(*arguments: str) -> str:
    """Return what a tool says where it finds something, and nothing where it doesn't."""
    done = tool(*arguments)
    return (done.stdout.strip() or done.stderr.strip()) if done.returncode else ""


def ruff() -> str:
    """Check style, names, imports, annotations and docstrings by the rules in pyproject.toml."""
    return found_by("ruff", "check", "--no-cache", "--quiet", "--output-format", "concise", ".")


def flake8() -> str:
    """Check as the plugin site does: the tool's own choice of rules, lines of at most 120 characters."""
    return found_by("flake8", "--isolated", "--max-line-length=120", *present(SHIPPED))


def bandit() -> str:
    """Look for dangerous calls, at every severity."""
    return found_by("bandit", "-q", "-r", "-f", "txt", *present(SHIPPED))


def secrets() -> str:
    """Look for keys and passwords; the scan itself always succeeds, so read what it lists."""
    done = tool("detect_secrets", "scan", *tracked())
    if done.returncode:
        return done.stderr.strip()
    results = json.loads(done.stdout)["results"]
    return "\n".join(
        f"{name}:{item['line_number']}: {item['type']}" for name, items in results.items() for item in items
    )


def main() -> int:
    """Run the checks, print what they find and a closing line."""
    failed = []
    for check in (ruff, flake8, bandit, secrets):
        found = check()
        if found:
            failed.append(check.__name__)
            print(f"---- {check.__name__}\n{found}")
    if failed:
        print(f"earthprint: lint FAILED: {', '.join(failed)}")
        return 1
    print("earthprint: lint found nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
