"""The policies that are measured, their data, and the requests that they allow."""

import json
import random

from .machine import ROOT

RBAC = ROOT / "policies/rbac-api/policy.rego"
ROLES = 50
HEAD = "package envoy.authz\n\ndefault allow := false\n\n"


def role_data(users=1000):
    """Users with two of 50 roles each; always the same."""
    generator = random.Random(2026)
    names = [f"role{number:02}" for number in range(ROLES)]
    role = lambda number: {
        "permissions": [
            {"methods": ["GET", "HEAD"], "resource": f"/api/area{number}/*"},
            {"methods": ["GET", "POST"], "resource": f"/api/area{number}/*/notes/**"},
        ],
        "scopes": [f"area{number}:read", f"area{number}:write", "api:use"],
        "barred": [f"api/area{number}/secret"],
    }
    data = {f"user{number}": {"roles": generator.sample(names, 2)} for number in range(users)}
    data["user500"] = {"roles": ["role06", "role07"]}
    return {"users": data, "roles": {name: role(number) for number, name in enumerate(names)}}


def rules(count):
    """A policy of that many rules, each with its own path, methods and scope."""
    user = 'input.attributes.request.http.headers["x-user"]'
    rule = (
        "allow if {{\n\tinput.attributes.request.http.method in {{\"GET\", \"HEAD\"}}\n"
        "\tinput.parsed_path == [\"api\", \"area{0}\"]\n\t\"area{0}:read\" in data.scopes[{1}]\n}}\n"
    )
    return HEAD + "\n".join(rule.format(number, user) for number in range(count))


def indexable_rules(count):
    """A policy of that many rules that compare method and path with constants."""
    rule = (
        "allow if {{\n\tinput.attributes.request.http.method == \"GET\"\n"
        "\tinput.attributes.request.http.path == \"/api/area{0}\"\n}}\n"
    )
    return HEAD + "\n".join(rule.format(number) for number in range(count))


# Reads the body, so that requests are held until it is there.
BODY = HEAD + 'allow if input.parsed_body.kind == "order"\n'


def body(size):
    """A JSON object of so many bytes, or nothing."""
    if size == 0:
        return b""
    frame = json.dumps({"kind": "order", "items": []}).encode()
    item = b'{"sku": "A-1000", "count": 12},'
    items = (item * ((size - len(frame)) // len(item)))[:-1]
    whole = frame[:-2] + items + frame[-2:]
    return whole + b" " * (size - len(whole))


def write(folder, policy, data):
    """A policy folder, as scripts/make-config and OPA read it."""
    folder.mkdir()
    (folder / "policy.rego").write_text(policy)
    (folder / "data.json").write_text(json.dumps(data))
    return folder


# Ten with the one of the user and `host`, as many as an ordinary client behind a load balancer has.
HEADERS = {
    "user-agent": "bench/1.0 (x86_64; linux)",
    "accept": "application/json",
    "accept-encoding": "gzip, br",
    "accept-language": "en",
    "cache-control": "no-cache",
    "x-tenant": "tenant-17",
    "x-client-version": "2026.11.3",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


def headers(count):
    """So many headers with `host` and the user's."""
    some = list(HEADERS.items())[: count - 2]
    more = [(f"x-extra-{number}", f"value of the header {number}") for number in range(count - 2 - len(some))]
    return dict(some + more)


def request(path, user, extra=None, content=b"", method="GET"):
    """A request as it goes over the wire."""
    fields = {"host": "bench.local", "x-user": user, **(HEADERS if extra is None else extra)}
    if content:
        fields |= {"content-type": "application/json", "content-length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def allowed_questions(data, count, distinct=False):
    """(path, user) that the role policy allows, over users drawn evenly; `distinct`: no two are the same."""
    generator = random.Random(7)
    names = list(data["users"])
    picked = names if count == len(names) else [generator.choice(names) for _ in range(count)]
    area = lambda user: int(data["users"][user]["roles"][0].removeprefix("role"))
    name = (lambda number: f"order{number}") if distinct else (lambda _: "orders")
    return [(f"/api/area{area(user)}/{name(number)}", user) for number, user in enumerate(picked)]
