"""Where things are, how commands are run, and on what machine."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def run(command, **options):
    """The output of a command; its error and ours if it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stderr or result.stdout}")
    return result.stdout


def library(command):
    """What a command of scripts/lib.sh prints."""
    return run(["bash", "-euc", f'. "$1/lib.sh"; {command}', "bench", ROOT / "scripts"], cwd=ROOT).strip()


def script(name):
    """A Python script of scripts/ as a module, for its functions."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def cargo_build(target_name, *options, profile="release"):
    """The file that `cargo build` makes of a target."""
    command = ["cargo", "build", "--locked", "--profile", profile, *options, "--message-format", "json-render-diagnostics"]
    messages = [json.loads(line) for line in run(command, cwd=ROOT).splitlines()]
    files = [message["filenames"][0] for message in messages if message.get("target", {}).get("name") == target_name]
    return pathlib.Path(files[-1])


def description():
    """Machine, versions and commit, as they stand beside every figure."""
    module = pathlib.Path(shipped_module())
    return {
        "machine": f"{platform.machine()}, {cpu_model()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "envoy": run([library("binary envoy"), "--version"]).strip().split("version: ")[-1],
        "opa": library('echo "$OPA_VERSION"'),
        "rust": library('echo "$TOOLCHAIN"'),
        "commit": run(["git", "describe", "--always", "--dirty"], cwd=ROOT).strip(),
        "module_bytes": module.stat().st_size,
        "load_average": os.getloadavg(),
    }


def cpu_model():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def shipped_module():
    """SARK_WASM, as for the tests, else what scripts/build made."""
    path = os.environ.get("SARK_WASM") or library('echo "$WASM"')
    if not pathlib.Path(path).exists():
        sys.exit(f"bench: there is no module at {path}; run scripts/build")
    return path
