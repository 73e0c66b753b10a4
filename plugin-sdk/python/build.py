"""Builds a project in Python to a component:

    python build.py --project DIR --world WORLD --wit DIR --out FILE

`python` is the one that has componentize-py; the environment variable HANGAR_IDENTITY is what plugin.toml says, as
JSON. Says nothing when all is well; otherwise it says what is wrong in plugin.py."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SDK = Path(__file__).parent
APPS = {"behaviour": "runs", "handler": "handlers"}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("project", "wit", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--world", choices=APPS, required=True)
    args = parser.parse_args()
    if not (args.project / "plugin.py").is_file():
        sys.exit(f"there is no plugin.py in {args.project}\nfix: write one; `hangar plugin new` shows how it begins")
    for module in args.project.glob("*.py"):
        if (SDK / module.name).exists():
            sys.exit(f"{module.name} has the name of a module of the SDK\nfix: call it otherwise")

    # From copies, since compiled modules are left beside the sources.
    with tempfile.TemporaryDirectory() as temporary:
        project, sdk, made = (Path(temporary, name) for name in ("project", "sdk", "plugin.wasm"))
        leave = shutil.ignore_patterns("sdk", "tests", "__pycache__", ".*", "*.wasm")
        shutil.copytree(args.project, project, ignore=leave)
        shutil.copytree(SDK, sdk, ignore=shutil.ignore_patterns("build.py", "wit", "__pycache__"))
        identity = json.loads(os.environ["HANGAR_IDENTITY"])
        (sdk / "hangar_identity.py").write_text(f"IDENTITY = {identity!r}\n", encoding="utf-8")
        componentize(args.wit, args.world, project, sdk, made)
        shutil.move(made, args.out)


def componentize(wit: Path, world: str, project: Path, sdk: Path, out: Path) -> None:
    command = [
        Path(sys.executable).with_name("componentize-py"), "--quiet", "--wit-path", wit, "--world", world,
        "componentize", APPS[world], "--python-path", project, "--python-path", sdk, "--output", out,
    ]
    # Packages come from the author's virtual environment or not at all: never from the system.
    packages = os.environ.get("VIRTUAL_ENV", sdk)
    environment = {**os.environ, "VIRTUAL_ENV": str(packages), "RUST_BACKTRACE": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(what_is_wrong(done.stderr, world))


def what_is_wrong(said: str, world: str) -> str:
    """What Python said while it loaded plugin.py, without the tool's words around it and the frames of the SDK."""
    if called := re.search("called trapping stub: (.*)", said):
        return f"plugin.py calls the host ({called[1]}) while it is being built\nfix: do that in a function"
    text = said.split("AssertionError: ", 1)[-1].split("\n\n\nCaused by:")[0].strip()
    text = re.sub(r'  File "(?!/0/).*\n(    .*\n)*', "", text)
    return text.replace('"/0/', '"').replace(" (/1/hangar.py)", f" as it is for a {world}")


if __name__ == "__main__":
    main()
