"""Envoys to measure: the shipped envoy/envoy.yaml with another filter in SARK's place, or another upstream.

Two things differ from what is shipped, for all paths alike: no access log, and Envoy answers by itself
(`direct_response`) unless a request has a body. Filters run before the router either way, and what an upstream adds is
noise here. With a body Envoy would answer and close before the body has come.
"""

import json
import time

from . import machine
from .processes import Process, free_ports, get, wait_for

make_config = machine.script("make-config")
HTTP = "type.googleapis.com/envoy.extensions.filters.http"


def empty_wasm(module):
    """A filter of a module that does nothing."""
    machine_ = {"vm_id": "empty", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(module)}}}
    config = {"name": "empty", "root_id": "empty", "vm_config": machine_}
    return {"name": "empty", "typed_config": {"@type": f"{HTTP}.wasm.v3.Wasm", "config": config}}


def ext_authz():
    """Envoy's own external authorization over gRPC."""
    service = {"envoy_grpc": {"cluster_name": "ext_authz"}, "timeout": "5s"}
    config = {"@type": f"{HTTP}.ext_authz.v3.ExtAuthz", "transport_api_version": "V3", "grpc_service": service}
    return {"name": "ext_authz", "typed_config": config}


def rbac(data):
    """Envoy's own RBAC filter with the permissions of the role policy: a policy a role. That everybody may read their
    own profile, and that suspended users may nothing, cannot be said there."""
    holders = {}
    for user, facts in data["users"].items():
        for role in facts["roles"]:
            holders.setdefault(role, []).append({"header": {"name": "x-user", "string_match": {"exact": user}}})
    policies = {
        role: {
            "permissions": [native(permission) for permission in facts["permissions"]],
            "principals": holders.get(role, [{"not_id": {"any": True}}]),
        }
        for role, facts in data["roles"].items()
    }
    config = {"@type": f"{HTTP}.rbac.v3.RBAC", "rules": {"action": "ALLOW", "policies": policies}}
    return {"name": "rbac", "typed_config": config}


def native(permission):
    """Methods and a glob, in the words of the RBAC filter."""
    pattern = permission["resource"].replace("**", "\0").replace("*", "[^/]*").replace("\0", ".*")
    methods = {"safe_regex": {"regex": "|".join(permission["methods"])}}
    method = {"header": {"name": ":method", "string_match": methods}}
    return {"and_rules": {"rules": [method, {"url_path": {"path": {"safe_regex": {"regex": pattern}}}}]}}


def bootstrap(filter_, ports, upstream, ext_authz_at):
    """The YAML; `filter_` is None, a filter as a dict, or {"sark": CONFIGURATION}."""
    if filter_ and "sark" in filter_:
        text = make_config.static_bootstrap(filter_["sark"])
        text = text.replace("/etc/sark/sark.wasm", str(machine.shipped_module()))
    else:
        text = replaced(filter_)
    lines = text.splitlines(keepends=True)
    start, end = make_config.block(lines, "access_log:")
    text = "".join(lines[:start] + lines[end:])
    if not upstream:
        text = text.replace("route: {cluster: upstream}", "direct_response: {status: 200}")
    literals = {10000: ports["listener"], 9901: ports["admin"], 8080: upstream or 1, 8181: ports["opa"]}
    for literal, port in literals.items():
        text = text.replace(f"port_value: {literal}}}", f"port_value: {port}}}")
    if ext_authz_at:
        text = text.replace("  clusters:\n", f"  clusters:\n    - {json.dumps(grpc_cluster(*ext_authz_at))}\n")
    return text


def replaced(filter_):
    """The shipped file without SARK and its guard, with this filter there."""
    lines = (machine.ROOT / "envoy/envoy.yaml").read_text().splitlines(keepends=True)
    for name in ("- name: sark_guard", "- name: sark"):
        start, end = make_config.block(lines, name)
        del lines[start:end]
    if filter_:
        lines.insert(start, " " * 18 + f"- {json.dumps(filter_)}\n")
    return "".join(lines)


def grpc_cluster(host, port):
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": "ext_authz",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {"cluster_name": "ext_authz", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


class Envoy:
    """A running Envoy; `peers` are the processes that work for it."""

    def __init__(self, name, filter_, folder, workers=1, upstream=None, opa=None, ext_authz_at=None, peers=()):
        ports = dict(zip(("listener", "admin"), free_ports(2)), opa=opa or 1)
        self.name, self.peers, self.admin = name, list(peers), ports["admin"]
        self.address = f"127.0.0.1:{ports['listener']}"
        file = folder / f"{name}.yaml"
        file.write_text(bootstrap(filter_, ports, upstream, ext_authz_at))
        options = ["--disable-hot-restart", "--log-level", "warning", "--concurrency", workers]
        self.started, self.is_ready = time.monotonic(), False
        self.process = Process(name, [machine.library("binary envoy"), "-c", file, *options], folder)

    def wait(self):
        """Until it serves: seconds since it was started, and of CPU. Several may be starting at once."""
        if not self.is_ready:
            wait_for(self.process, lambda: get(self.admin, "/ready"))
            self.is_ready = True
        return time.monotonic() - self.started, self.process.cpu()

    def counters(self):
        """Every counter and gauge that is not 0."""
        lines = (line.split(": ") for line in (get(self.admin, "/stats?usedonly") or "").splitlines())
        return {pair[0]: int(pair[1]) for pair in lines if len(pair) == 2 and pair[1].isdigit()}

    def end(self):
        self.process.end()
