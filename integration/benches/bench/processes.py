"""What a run starts, what that costs, and its end."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
# More than any other mapping leaves closed behind it (integration/src/memory.rs says why).
RESERVED = 4 << 30


class Running:
    """A process, and what it takes."""

    def __init__(self, pid):
        self.pid = pid

    def cpu(self):
        """Seconds of all threads so far, user and system."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self):
        """Bytes of memory, shared pages included."""
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def wasm_memories(self):
        """Bytes of the linear memories of its machines, the largest last."""
        maps = pathlib.Path(f"/proc/{self.pid}/maps").read_text()
        found = re.findall(r"^(\w+)-(\w+) (\S+)", maps, re.MULTILINE)
        spans = [(int(start, 16), int(end, 16), rights) for start, end, rights in found]
        is_memory = lambda here, after: (
            here[2] == "rw-p" and after[2] == "---p" and here[1] == after[0] and after[1] - here[0] > RESERVED
        )
        return sorted(here[1] - here[0] for here, after in zip(spans, spans[1:]) if is_memory(here, after))


class Process(Running):
    """A child with its output in a file."""

    def __init__(self, name, command, folder, stdin=subprocess.DEVNULL, stdout=None):
        self.name, self.log = name, folder / f"{name}.log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdin=stdin, stdout=stdout or log, stderr=log, start_new_session=True
            )
        super().__init__(self.child.pid)

    def check(self):
        if self.child.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            sys.exit(f"bench: {self.name} ended\n{tail}")

    def end(self):
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if self.child.poll() is None:
                os.kill(self.pid, kind)
                try:
                    self.child.wait(10)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                pipe.close()


def free_ports(count):
    """All at once, so that no two are the same."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def get(port, path):
    """The body of a 200; None: there was none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            return reply.read().decode()
    except OSError:
        return None


def wait_for(process, ready, patience=120, pause=0.01):
    """Until `ready()`, or the end of the run if the process ends first."""
    deadline = time.monotonic() + patience
    while not ready():
        process.check()
        if time.monotonic() > deadline:
            sys.exit(f"bench: {process.name} is not ready after {patience} s; see {process.log}")
        time.sleep(pause)
