"""One Envoy, through the admin API of its filter (docs/admin-api.md)."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import ssl
import urllib.parse

TOKEN_VARIABLE = "SARK_ADMIN_TOKEN"
TIMEOUT_SECONDS = 5

# A member by which the answer of each endpoint is known: an upstream may answer 200 and JSON, too.
MEMBERS = {"/features": "rust_opa", "/status": "workers", "/rollout/update": "after", "/rollout/rollback": "after"}


class Failure(Exception):
    """What was asked for did not happen; the message says why."""


class Replaced(Failure):
    """Nothing was changed: the worker that was asked has taken a newer configuration. To be asked again."""


def token(file):
    """The bearer token, from a file or the environment. Never from the command line, which every process can read."""
    text = pathlib.Path(file).read_text() if file else os.environ.get(TOKEN_VARIABLE, "")
    if not text.strip():
        raise Failure(f"no token: set {TOKEN_VARIABLE}, or name a file with --token-file")
    if not text.strip().isascii() or len(text.split()) != 1:
        raise Failure("what was given is no token: it has spaces, lines or other than ASCII characters")
    return text.strip()


class Instance:
    """Speaks to one Envoy. Follows no redirect and asks no proxy: the token goes where it was told to go."""

    def __init__(self, url, bearer, prefix="/admin", host=None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise Failure(f"{url}: an Envoy is named like http://127.0.0.1:10000")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.parts, self.bearer, self.prefix, self.host = parts, bearer, prefix, host

    def get(self, endpoint):
        return self.ask("GET", endpoint, {})

    def post(self, endpoint, **arguments):
        given = {name: text for name, text in arguments.items() if text is not None}
        try:
            return self.ask("POST", endpoint, given)
        except Replaced:
            return self.ask("POST", endpoint, given)

    def ask(self, method, endpoint, arguments):
        """The answer's JSON. Arguments go into the query, which works where Envoy hands a filter no body, too."""
        query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
        headers = {"authorization": f"Bearer {self.bearer}", **({"host": self.host} if self.host else {})}
        connection = self.connection()
        try:
            connection.request(method, self.prefix + endpoint + query, headers=headers)
            reply = connection.getresponse()
            body = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"no answer: {error}") from error
        finally:
            connection.close()
        return understood(reply, body, MEMBERS[endpoint])

    def connection(self):
        if self.parts.scheme == "http":
            return http.client.HTTPConnection(self.parts.netloc, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self.parts.netloc, timeout=TIMEOUT_SECONDS, context=context)


def understood(reply, body, member):
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if reply.status == 200 and isinstance(answer, dict) and member in answer:
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        kind = Replaced if error.get("code") == "replaced" else Failure
        raise kind(f"{reply.status} {error.get('code')}: {error.get('message')}")
    raise Failure(f"{reply.status}, which is no answer of the admin API: is `admin` configured there?")


def on_each(instances, work):
    """Does the work on all instances at once, whatever becomes of each: (instance, result or Failure), in order."""

    def attempt(instance):
        try:
            return work(instance)
        except Failure as failure:
            return failure

    with concurrent.futures.ThreadPoolExecutor(max_workers=len(instances)) as pool:
        return list(zip(instances, pool.map(attempt, instances)))
