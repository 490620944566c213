"""The file that Envoy watches, a DiscoveryResponse with the filter in it: as YAML in the shape of envoy/sark.yaml, or as
JSON. And the same filter in a bootstrap of its own."""

import json
import re

from .instance import Failure

NAME = re.compile(r"^ +name: (\S+)$", re.MULTILINE)

# The filter of the resource, and what an HTTP connection manager cannot do without.
STATIC = """\
static_resources:
  listeners:
    - name: validate
      address: {socket_address: {address: 127.0.0.1, port_value: 0}}
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: validate
                route_config: {}
                http_filters:
                  - name: NAME
FILTER
                  - name: router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""


def resource_name(text):
    """The name of the filter, by which Envoy asks for it."""
    if is_json(text):
        return resource(text)["name"]
    found = NAME.search(text)
    if not found:
        raise Failure("the file is not in the shape of envoy/sark.yaml: it has no resource with a name")
    return found.group(1)


def inlined(text):
    """A bootstrap with the filter of the resource in it, for `envoy --mode validate`, which does not look into resources."""
    if is_json(text):
        lines = ["typed_config: " + json.dumps(resource(text)["typed_config"])]
    else:
        lines = text.splitlines()
        start, end = block(lines, "typed_config:")
        lines = [line[indentation(lines[start]) :] for line in lines[start:end]]
    filter = "\n".join(" " * 20 + line for line in lines)
    return STATIC.replace("NAME", resource_name(text)).replace("FILTER", filter)


def is_json(text):
    return text.lstrip().startswith("{")


def resource(text):
    try:
        (only,) = json.loads(text)["resources"]
        return {"name": only["name"], "typed_config": only["typed_config"]}
    except (ValueError, LookupError, TypeError) as error:
        raise Failure(f"the file is not JSON with one resource, its name and typed_config: {error}") from error


def block(lines, key):
    """From the line of `key` to the first line that is not deeper."""
    start = next((i for i, line in enumerate(lines) if line.strip() == key), None)
    if start is None:
        raise Failure(f"the file is not in the shape of envoy/sark.yaml: no line is `{key}`")
    depth = indentation(lines[start])
    inside = lambda line: not line.strip() or indentation(line) > depth
    end = next((i for i in range(start + 1, len(lines)) if not inside(lines[i])), len(lines))
    return start, end


def indentation(line):
    return len(line) - len(line.lstrip(" "))
