"""Another configuration of the filter, from a file: tried first, renamed into place, watched until every worker has it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from .envoy import Admin, configuration
from .instance import Failure
from .live import SILENT_SECONDS
from .resource import inlined, resource_name

# A large policy takes Envoy's main thread a while.
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.1

# What the filter, or Envoy, says of a configuration that it does not take.
TELLING = re.compile(r"configuration refused: |Unknown field|Unable to|no such field|error initializing|not found")


def push(file, onto, admins, instances, binary):
    """Whether every Envoy took the file. One that is refused does not stay in place: a restart would read it."""
    new, onto = pathlib.Path(file), pathlib.Path(onto)
    text = new.read_text()
    name = resource_name(text)
    validate(text, binary)
    print(f"{new}: envoy --mode validate accepts it")
    envoys = [Admin(url) for url in admins]
    before = [(envoy.pushes(name), envoy.filter(name)) for envoy in envoys]
    old = onto.read_bytes()
    if text.encode() == old:
        print(f"{onto} holds exactly this already: nothing is pushed")
    else:
        replace(onto, text.encode())
        try:
            for envoy, (counts, filter) in zip(envoys, before):
                wait_until_taken(envoy, name, counts, filter)
        except Failure as failure:
            replace(onto, old)
            raise Failure(f"{failure}\n{onto} is what it was before") from failure
    wanted = set()
    for envoy, (_, filter) in zip(envoys, before):
        now, was = configuration(envoy.filter(name)), configuration(filter)
        change = f"was {was[:12]}" if now != was else "as before"
        print(f"{envoy.url}: configuration {now[:12]} on all {envoy.workers()} workers, {change}")
        wanted.add(now)
    for instance in instances:
        print_workers(instance, wanted)
    return True


def validate(text, binary):
    """Lets Envoy load the module with this configuration, and throw both away."""
    with tempfile.TemporaryDirectory() as scratch:
        bootstrap = pathlib.Path(scratch) / "static.yaml"
        bootstrap.write_text(inlined(text))
        command = [binary, "--mode", "validate", "--config-path", bootstrap, "--log-level", "warning"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).splitlines()
        telling = [line for line in lines if TELLING.search(line)] or lines[-10:]
        raise Failure("envoy --mode validate refuses it, nothing was pushed:\n" + "\n".join(telling))


def replace(path, content):
    """A rename, which is what Envoy watches for; in the same folder, so that it is one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # As readable as the file was before: Envoy may run as another user.
            shutil.copymode(path, file.name)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def wait_until_taken(envoy, name, before, filter):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = envoy.pushes(name)
        grown = {kind for kind in now if now[kind] > before[kind]}
        if grown & {"update_rejected", "update_failure"}:
            raise Failure(
                f"{envoy.url}: refused, and what was in force still is. `envoy --mode validate` accepted it here, so look for"
                f" `configuration refused` in the log there: another environment, another module?"
            )
        # What says the same in other words is taken, and nothing is loaded anew.
        if "update_success" in grown and ("config_reload" in grown or envoy.filter(name) == filter):
            return
        time.sleep(POLL_SECONDS)
    raise Failure(f"{envoy.url}: has not taken it after {PATIENCE_SECONDS} s: does it watch this file?")


def print_workers(instance, wanted):
    """What each worker of an instance runs, when all of them run what was wanted."""
    deadline = time.monotonic() + 2 * SILENT_SECONDS
    while True:
        status = instance.get("/status")
        workers = [worker for worker in status["workers"] if worker["age_seconds"] <= SILENT_SECONDS]
        if workers and all(worker["configuration"] in wanted for worker in workers):
            break
        if time.monotonic() > deadline:
            others = [worker["vm"] for worker in workers if worker["configuration"] not in wanted]
            raise Failure(f"{instance.url}: workers run another configuration: {', '.join(others) or 'none has shown itself'}")
        time.sleep(POLL_SECONDS)
    for worker in workers:
        print(
            f"{instance.url}: worker {worker['vm']}  configuration {worker['configuration'][:12]}"
            f"  policy {worker['policy'][:12]}  since {worker['since']}"
        )
