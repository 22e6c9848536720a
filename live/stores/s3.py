"""A bucket of S3, or of a service that speaks its protocol, as a store of copies: an object for each name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from live.errors import StoreError

T = TypeVar("T")
CONNECT, ANSWER, TRIES = 3.0, 20.0, 2  # seconds, and how often a call is made
MISSING = ("NoSuchKey", "404")


class S3Store:
    """Objects below a prefix.  Keys and region come from where AWS clients look for them: environment, profile, role.

    Args:
        address: s3://bucket[/prefix][?endpoint=https://…][&region=…]
    """

    def __init__(self, address: str) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self.name = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._refused, self._failures = ClientError, (ClientError, BotoCoreError, OSError)
        limits = Config(
            connect_timeout=CONNECT, read_timeout=ANSWER, retries={"total_max_attempts": TRIES, "mode": "standard"}
        )
        self._client: Any = boto3.session.Session().client(
            "s3", endpoint_url=asked.get("endpoint"), region_name=asked.get("region"), config=limits
        )

    def __repr__(self) -> str:
        return f"S3Store({self.name!r})"

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Write the object."""
        self._tried(lambda: self._client.put_object(Bucket=self._bucket, Key=self._key(folder, name), Body=data))

    def get(self, folder: str, name: str) -> bytes | None:
        """What the object holds."""

        def read() -> bytes | None:
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(folder, name))
            except self._refused as error:
                if error.response.get("Error", {}).get("Code") in MISSING:
                    return None
                raise
            with answer["Body"] as body:
                data: bytes = body.read()
                return data

        return self._tried(read)

    def newest(self, folder: str) -> list[str]:
        """The objects in a folder, the last of the alphabet first."""
        return sorted(self._listed(folder, Delimiter="/"), reverse=True)

    def below(self, folder: str) -> list[str]:
        """The objects whose keys begin with the folder's."""
        return self._listed(folder)

    def drop(self, folder: str, name: str) -> None:
        """Delete the object."""
        self._tried(lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(folder, name)))

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _listed(self, folder: str, **how: str) -> list[str]:
        prefix = self._key(folder, "")

        def listed() -> list[str]:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix, **how)
            return [one["Key"].removeprefix(prefix) for page in pages for one in page.get("Contents", ())]

        return self._tried(listed)

    def _key(self, folder: str, name: str) -> str:
        return "/".join(part for part in (self._prefix, folder) if part) + f"/{name}"

    def _tried(self, job: Callable[[], T]) -> T:
        try:
            return job()
        except self._failures as error:
            raise StoreError(f"{self.name}: {type(error).__name__}: {error}") from error
