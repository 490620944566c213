"""One measurement: a load against an Envoy, what it cost, and whether what was to be measured is what happened."""

import json
import subprocess
import sys

from .machine import run


def write_requests(file, requests):
    """The form that sark-load reads."""
    file.write_bytes(b"".join(b"%d\n%s" % (len(request), request) for request in requests))
    return file


class Load:
    """The load generator."""

    def __init__(self, binary):
        self.binary = binary
        # (address, file of requests) → how many were sent.
        self.sent = {}

    def send(self, address, requests, connections, seconds):
        """Goes on in a file of requests where the last load of this Envoy ended."""
        first = self.sent.get((address, requests), 0)
        result = json.loads(run([self.binary, "send", address, requests, first, connections, seconds]))
        self.sent[address, requests] = first + result["requests"]
        return result

    def measure(self, envoy, requests, connections, seconds, expected):
        """A load with its costs. `expected`: how much each counter grows with a request; every status must be 200."""
        processes = [envoy.process, *envoy.peers]
        counted, spent = envoy.counters(), [process.cpu() for process in processes]
        result = self.send(envoy.address, requests, connections, seconds)
        costs = [process.cpu() - before for process, before in zip(processes, spent)]
        check(envoy, result, counted, envoy.counters(), expected)
        microseconds = [cost * 1e6 / result["requests"] for cost in costs]
        result["cpu_envoy"], result["cpu_peers"] = microseconds[0], sum(microseconds[1:])
        result["resident"] = envoy.process.resident()
        result["wasm_memories"] = envoy.process.wasm_memories()
        return result


def check(envoy, result, before, after, expected):
    """The run ends here if the path did not do what it is measured for."""
    envoy.process.check()
    if list(result["statuses"]) != ["200"]:
        errors = {name: count for name, count in after.items() if "errors" in name and count}
        sys.exit(f"bench: {envoy.name} answered {result['statuses']}, {errors}")
    for name, share in expected.items():
        grown, wanted = after.get(name, 0) - before.get(name, 0), share * result["requests"]
        if abs(grown - wanted) > 0.02 * result["requests"] * (0 < share < 1):
            sys.exit(f"bench: {envoy.name}: {name} grew by {grown} in {result['requests']} requests, not {wanted:.0f}")


def serve(binary, folder):
    """The upstream: its process and its port."""
    from .processes import Process

    process = Process("upstream", [binary, "serve"], folder, stdout=subprocess.PIPE)
    port = process.child.stdout.readline().decode().strip().rsplit(":", 1)[1]
    return process, int(port)
