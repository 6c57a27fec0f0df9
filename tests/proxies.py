"""nginx and Caddy with the configurations of docs/security.md, in front of a daemon of a test."""

import os
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiohttp
import anyio

from tests.certificates import write_pair
from tests.docs.pages import ROOT, blocks
from tests.faults.process import free_port
from tests.looking_up import Resolver
from tests.programs import found

Kind = Literal["nginx", "caddy"]
SECURITY = ROOT / "docs" / "security.md"
HOSTS = ("ops.example.org", "hooks.example.org")
READY_WITHIN_S = 15.0

_NGINX = """
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{server}
}}
"""
"""What Debian's nginx.conf would be around a server, but in a directory of the test."""
_CADDY = """
{{
    admin off
    auto_https disable_redirects
    default_bind 127.0.0.1
    https_port {port}
    local_certs
    skip_install_trust
    storage file_system storage
}}
{site}
"""
"""Certificates from nobody but itself."""


def documented(kind: Kind, title: str) -> str:
    """The block of docs/security.md that says of itself that it is this one."""
    (found,) = (text for _, text in blocks(SECURITY, kind) if re.match(rf"(server {{ +)?# \w+: {title}\n", text))
    return found


class Proxy:
    """One that runs. `session` reaches it by the name it is for."""

    def __init__(self, directory: Path, host: str, port: int, trusted: Path) -> None:
        self._directory = directory
        self._host = host
        self.port = port
        self._trusted = trusted

    def url(self, path: str) -> str:
        return f"https://{self._host}:{self.port}{path}"

    def session(self, comes_from: str = "127.0.0.1") -> aiohttp.ClientSession:
        """A client that trusts its certificate, with cookies, at this address of this machine."""
        connector = aiohttp.TCPConnector(
            resolver=Resolver(["127.0.0.1"]),
            local_addr=(comes_from, 0),
            ssl=ssl.create_default_context(cafile=str(self._trusted)),
        )
        return aiohttp.ClientSession(connector=connector)

    def logged(self) -> str:
        """All that its logs hold."""
        return "".join(file.read_text() for file in self._directory.glob("*.log"))


@asynccontextmanager
async def in_front(kind: Kind, title: str, ports: Mapping[int, int | None], directory: Path) -> AsyncIterator[Proxy]:
    """The proxy with a configuration of the documentation, where only ports and files are other ones.

    Args:
        ports: By the port that the documentation names, the one that is meant.
    """
    program = found(kind)
    assert program is not None
    directory = directory / kind
    directory.mkdir()
    port = free_port()
    text = documented(kind, title)
    for said, meant in ports.items():
        assert f"127.0.0.1:{said}" in text
        text = text.replace(f"127.0.0.1:{said}", f"127.0.0.1:{meant}")
    (host,) = (host for host in HOSTS if host in text)
    trusted, command = (_as_nginx if kind == "nginx" else _as_caddy)(program, text, directory, port)
    process = _started(command, directory)
    try:
        proxy = Proxy(directory, host, port, trusted)
        await _until_it_answers(proxy, process)
        yield proxy
    finally:
        process.terminate()
        process.wait(timeout=10)


def _started(command: list[str], directory: Path) -> "subprocess.Popen[bytes]":
    with (directory / "own.log").open("wb") as log:
        environ = {**os.environ, "HOME": str(directory)}
        return subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, env=environ)


def _as_nginx(program: str, server: str, directory: Path, port: int) -> tuple[Path, list[str]]:
    trusted, _ = write_pair(directory, "proxy", hosts=HOSTS)
    server, count = re.subn(r"listen( +)443 ssl;", rf"listen 127.0.0.1:{port} ssl;", server)
    assert count == 1
    server = re.sub(r"/etc/ssl/\S+\.(crt|key);", rf"{directory}/proxy.\1;", server)
    user = "user root;" if os.geteuid() == 0 else ""  # the directories of tests are for nobody else
    file = directory / "nginx.conf"
    file.write_text(_NGINX.format(user=user, server=server))
    return trusted, [program, "-p", str(directory), "-c", str(file), "-e", str(directory / "error.log")]


def _as_caddy(program: str, site: str, directory: Path, port: int) -> tuple[Path, list[str]]:
    file = directory / "Caddyfile"
    file.write_text(_CADDY.format(port=port, site=site))
    trusted = directory / "storage" / "pki" / "authorities" / "local" / "root.crt"
    return trusted, [program, "run", "--config", str(file), "--adapter", "caddyfile"]


async def _until_it_answers(proxy: Proxy, process: "subprocess.Popen[bytes]") -> None:
    with anyio.fail_after(READY_WITHIN_S):
        while True:
            assert process.poll() is None, proxy.logged()
            try:
                async with proxy.session() as session, session.get(proxy.url("/healthz")):
                    return
            except (OSError, aiohttp.ClientError):  # the port, or the certificate, is not there yet
                await anyio.sleep(0.05)
