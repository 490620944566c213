"""What all measurements share: where they write, how long they run, what is running, and the raw numbers so far."""

import dataclasses
import subprocess
import time

from . import machine, policies
from .envoy import Envoy, make_config
from .load import write_requests
from .processes import Process, free_ports, get, wait_for

DECISION = "wasmcustom.sark_decisions_total.implementation.{}.result.allow"
CACHE = "wasmcustom.cache_operations_total.implementation.rust.operation.{}"
INLINE = {DECISION.format("rust"): 1, DECISION.format("remote"): 0}
# By which counters each path shows that it did what it is named for: how much one request adds.
EXPECTED = {
    "none": {"http.ingress.downstream_rq_2xx": 1},
    "rbac": {"http.ingress.rbac.allowed": 1},
    "empty": {"http.ingress.downstream_rq_2xx": 1},
    "cached": {**INLINE, CACHE.format("hit"): 1, CACHE.format("miss"): 0},
    "plan": {**INLINE, CACHE.format("hit"): 0},
    "source": {**INLINE, CACHE.format("hit"): 0},
    "remote": {DECISION.format("rust"): 0, DECISION.format("remote"): 1, CACHE.format("hit"): 0},
    "ext_authz": {"http.ingress.ext_authz.ok": 1},
}
WARM_CONNECTIONS = 16
# What makes the filter take each of its ways.
SETTINGS = {
    "cached": ['features.rust_cache={"ttl_seconds": 86400}'],
    "plan": [],
    "source": [],
    # The deadline is not what is measured.
    "remote": ["remote.cluster=opa", "remote.timeout=5s", "features.rust_opa.enabled=false"],
}


@dataclasses.dataclass
class Cell:
    """Something to measure: a path at a size. `runs` are the raw results, one a repetition."""

    group: str
    path: str
    envoy: Envoy
    requests: object
    connections: int
    size: object = None
    expected: dict = None
    runs: list = dataclasses.field(default_factory=list)

    def raw(self):
        return {name: getattr(self, name) for name in ("group", "path", "size", "connections", "runs")}


class Stage:
    def __init__(self, folder, load, empty, turns, is_quick):
        """`empty`: the module that does nothing. `is_quick`: fewer sizes where an Envoy more is dear."""
        self.folder, self.load, self.empty = folder, load, empty
        self.seconds, self.repeat, self.warm_up = turns
        self.is_quick = is_quick
        self.cells, self.facts, self.running = [], {}, []
        self.started = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.started:5.0f} s] {text}", flush=True)

    # --- what runs ---

    def policy(self, name, rego, data):
        return policies.write(self.folder / name, rego, data)

    def requests(self, name, requests):
        return write_requests(self.folder / f"{name}.requests", requests)

    def sark(self, name, path, policy, settings=(), **options):
        """An Envoy with our filter on one of its ways."""
        options_of = [*SETTINGS[path], *settings]
        configuration = make_config.plugin_configuration(policy, options_of, source=path == "source")
        return self.envoy(name, {"sark": configuration}, **options)

    def envoy(self, name, filter_, **options):
        return self.keep(Envoy(name, filter_, self.folder, **options))

    def keep(self, process):
        self.running.append(process)
        return process

    def opa(self, name, policy):
        """A real OPA server: its process and port."""
        [port] = free_ports(1)
        options = ["--addr", f"127.0.0.1:{port}", "--log-level", "error", "--skip-version-check"]
        files = [policy / "policy.rego", policy / "data.json"]
        process = Process(name, [machine.library("binary opa"), "run", "--server", *options, *files], self.folder)
        self.keep(process)
        wait_for(process, lambda: get(port, "/health") is not None)
        return process, port

    def stand_in(self, policy):
        """Our own answerer of ext_authz: its process, host and port."""
        command = [machine.library("binary oracle"), "ext-authz", policy / "policy.rego", policy / "data.json"]
        process = Process("ext_authz-peer", command, self.folder, subprocess.PIPE, subprocess.PIPE)
        self.keep(process)
        address = machine.json.loads(process.child.stdout.readline())["address"]
        return process, address.rsplit(":", 1)

    def end(self):
        """Ends what runs."""
        while self.running:
            self.running.pop().end()

    # --- what is measured ---

    def measure(self, cells):
        """Everybody has their turn before anybody has the next. Before the first, everybody runs until V8 has compiled
        what runs often for good: until then an Envoy pays for its compiler too."""
        self.cells += cells
        for cell in cells:
            cell.envoy.wait()
        for cell in cells:
            if (cell.envoy.address, cell.requests) not in self.load.sent:
                self.load.send(cell.envoy.address, cell.requests, WARM_CONNECTIONS, self.warm_up)
        for _ in range(self.repeat):
            for cell in cells:
                expected = EXPECTED[cell.path] if cell.expected is None else cell.expected
                result = self.load.measure(cell.envoy, cell.requests, cell.connections, self.seconds, expected)
                cell.runs.append(result)
