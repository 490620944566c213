"""One Envoy, through its own admin interface: stats, and the configuration that is in force."""

import hashlib
import http.client
import json
import re
import urllib.parse

from .instance import Failure

# A configuration may hold megabytes of policy.
TIMEOUT_SECONDS = 30

SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def configuration(filter):
    """SHA-256 of the plugin configuration, as the filter itself shows it."""
    return hashlib.sha256(str(filter.get("config", {}).get("configuration", {}).get("value", "")).encode()).hexdigest()


class Admin:
    """Asks no proxy and follows no redirect."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise Failure(f"{url}: Envoy's admin interface is named like http://127.0.0.1:9901")
        self.url, self.netloc = f"http://{parts.netloc}", parts.netloc

    def get(self, target):
        connection = http.client.HTTPConnection(self.netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", target)
            reply = connection.getresponse()
            body = reply.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{self.url}: no answer: {error}") from error
        finally:
            connection.close()
        if reply.status != 200:
            raise Failure(f"{self.url}{target}: {reply.status}")
        return body

    def pushes(self, name):
        """What became of pushes of the filter of this name so far: by kind, how many."""
        lines = self.get("/stats?filter=" + urllib.parse.quote("extension_config_discovery")).splitlines()
        counts = dict.fromkeys(("update_success", "update_rejected", "update_failure", "config_reload"), 0)
        for line in lines:
            stat, _, value = line.rpartition(": ")
            stem, _, kind = stat.rpartition(".")
            if kind in counts and stem.endswith("." + name):
                counts[kind] += int(value)
        return counts

    def filter(self, name):
        """The filter of this name that is in force."""
        dump = json.loads(self.get("/config_dump?resource=ecds_filters"))
        filters = [entry.get("ecds_filter", {}) for entry in dump.get("configs", [])]
        for filter in filters:
            if filter.get("name") == name:
                return filter.get("typed_config", {})
        raise Failure(f"{self.url}: has no filter {name!r} that is read from a file (`config_discovery`)")

    def workers(self):
        options = json.loads(self.get("/server_info")).get("command_line_options", {})
        return options.get("concurrency", 1)

    def samples(self):
        """What Prometheus gets: (name, labels) to value."""
        samples = {}
        for line in self.get("/stats/prometheus").splitlines():
            found = SAMPLE.match(line)
            if found:
                name, labels, value = found.groups()
                samples[name, frozenset(LABEL.findall(labels or ""))] = float(value)
        return samples
