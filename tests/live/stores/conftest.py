"""Stores to test against: a folder, a Redis server of our own, and S3 as the package moto serves it on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

STARTING = 20.0  # seconds that a server may take to answer
BUCKET = "state"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class RedisServer:
    """A server in memory, with a password, that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"redis://:hush-hush@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *words, "--requirepass", "hush-hush", "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + STARTING
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return
            except OSError:
                assert time.monotonic() < until, "redis-server did not start"
                self._process.poll()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STARTING)
            self._process = None


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    """Running, whatever the test before did."""
    if _redis._process is None:
        _redis.start()
    return _redis


@pytest.fixture(scope="session")
def _s3() -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    import boto3

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield endpoint
    server.stop()


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A folder for copies, as an operator has made it."""
    folder = tmp_path / "copies"
    folder.mkdir(0o700)
    return folder


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """The address of an empty store of a kind: file, redis or s3."""
    kind: Any = request.param
    own = uuid4().hex
    if kind == "file":
        return f"file://{request.getfixturevalue('copies')}"
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return f"{server.address}?prefix={own}"
    return f"s3://{BUCKET}/{own}?endpoint={request.getfixturevalue('_s3')}&region=us-east-1"


@pytest.fixture
def unused_port() -> int:
    """A port of loopback at which nobody listens."""
    return free_port()
