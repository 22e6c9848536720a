"""What every store can do, whatever it is; and what they say when they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.errors import ConfigError, StoreError
from live.stores.addresses import COPIES, stores_of
from live.stores.protocol import Store

KINDS = ("file", "redis", "s3")


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    one = stores_of({COPIES: address})[0]
    yield one
    one.close()


every_kind = pytest.mark.parametrize("address", KINDS, indirect=True)


@every_kind
def test_what_is_put_is_got_byte_for_byte(store: Store) -> None:
    data = bytes(range(256)) * 4000
    store.put("s/c/journal", "one", data)
    store.put("s/c/journal", "none", b"")
    assert store.get("s/c/journal", "one") == data
    assert store.get("s/c/journal", "none") == b""
    assert store.get("s/c/journal", "two") is None
    assert store.get("s/other", "one") is None


@every_kind
def test_what_is_put_again_is_replaced_and_what_is_dropped_is_gone(store: Store) -> None:
    store.put("s", "current", b"one")
    store.put("s", "current", b"two")
    assert store.get("s", "current") == b"two"
    store.drop("s", "current")
    store.drop("s", "current")
    assert store.get("s", "current") is None
    assert store.newest("s") == []


@every_kind
def test_names_come_last_first_and_only_those_of_the_folder(store: Store) -> None:
    for name in ("002", "010", "001"):
        store.put("s/c/head", name, b"x")
        store.put("s/c/head", name, b"y")
    store.put("s/c", "other", b"x")
    store.put("s/c/head/deeper", "999", b"x")
    assert store.newest("s/c/head") == ["010", "002", "001"]
    assert store.newest("nothing/here") == []


@every_kind
def test_a_store_that_was_closed_opens_again_when_it_is_asked(store: Store) -> None:
    store.put("s", "name", b"data")
    store.close()
    assert store.get("s", "name") == b"data"


def test_stores_are_asked_in_the_order_redis_folder_s3(tmp_path: Path) -> None:
    stores = stores_of({COPIES: f"s3://bucket/p?region=eu-west-1 file://{tmp_path}/x redis://localhost/0"})
    assert [store.name for store in stores] == ["redis://localhost/0", f"file://{tmp_path}/x", "s3://bucket/p"]
    assert stores_of({}) == ()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://host/x", "begins with redis://, rediss://, file://, s3://; got 'http://host/x'"),
        ("nonsense", "begins with redis://, rediss://, file://, s3://; got 'nonsense'"),
        ("/mnt/copies", "got '/mnt/copies'"),
        ("redos://user:hush-hush@host/0?password=hush-hush", "got 'redos://host/0'"),
        ("user:hush-hush@host", "got 'host'"),
        ("file://relative/x", "a folder is file:///path"),
        ("s3:///prefix", "names a bucket"),
        ("redis://:hush-hush@host:port/0", "redis://host:port makes no sense"),
    ],
)
def test_addresses_that_make_no_sense_are_refused_and_show_no_password(address: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        stores_of({COPIES: address})
    assert "hush-hush" not in str(error.value)


def test_names_of_stores_show_no_password() -> None:
    [store] = stores_of({COPIES: "rediss://user:hush-hush@host:6390/2?prefix=mine"})
    assert store.name == "rediss://host:6390/2"
    assert "hush" not in repr(store)


@pytest.mark.parametrize("address", ["redis", "s3"], indirect=True)
def test_a_store_that_is_not_there_says_so_and_who_it_is(
    address: str, unused_port: int, request: pytest.FixtureRequest
) -> None:  # fmt: skip
    gone = f"redis://127.0.0.1:{unused_port}/0" if address.startswith("redis") else (
        f"s3://state/p?endpoint=http://127.0.0.1:{unused_port}&region=us-east-1"
    )  # fmt: skip
    [store] = stores_of({COPIES: gone})
    for call in (lambda: store.put("s", "n", b"x"), lambda: store.get("s", "n"), lambda: store.newest("s")):
        with pytest.raises(StoreError, match=store.name):
            call()
    store.close()


def test_a_wrong_password_is_told_without_the_right_one(redis_server: Any) -> None:
    [store] = stores_of({COPIES: redis_server.address.replace("hush-hush", "guess")})
    with pytest.raises(StoreError, match="invalid username-password") as error:
        store.get("s", "n")
    assert "guess" not in str(error.value)
    store.close()


def test_a_folder_that_cannot_be_written_is_told(copies: Path) -> None:
    (copies / "s").write_bytes(b"")
    [store] = stores_of({COPIES: f"file://{copies}"})
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        store.put("s", "n", b"x")


def test_a_file_cut_short_between_two_generations_gives_the_one_before(tmp_path: Path) -> None:
    [store] = stores_of({COPIES: f"file://{tmp_path}"})
    store.put("s", "current", b"one")
    (tmp_path / "s" / "current").rename(tmp_path / "s" / "current.old")
    assert store.get("s", "current") == b"one"
