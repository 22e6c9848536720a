"""The doctor tries every store of copies, leaves nothing behind, and says what to do about one that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lost import Memory

from live.doctor import Finding, findings
from live.errors import SealError, StoreError
from live.seal import Seal
from live.stores.addresses import COPIES, stores_of
from live.stores.probe import FOLDER, probe

SEAL = Seal("correct horse battery", rounds=10)


def told(kind: str, **known: str) -> Finding:
    return next(finding for finding in findings(known) if finding.check.name == kind)


@pytest.mark.parametrize("address", ["file", "redis", "s3"], indirect=True)
@pytest.mark.parametrize("secret", [{}, {"QUANT_PASSPHRASE": "correct horse battery"}], ids=["clear", "sealed"])
def test_a_store_that_is_well_takes_a_probe_and_nothing_of_it_stays(
    address: str, secret: dict[str, str], tmp_path: Path
) -> None:
    found = told(address.partition(":")[0], QUANT_STATE_COPIES=address, **secret)
    assert found.check.good, str(found)
    assert ("a sealed probe" if secret else "takes a probe") in found.check.text
    assert "hush-hush" not in str(found)
    [store] = stores_of({COPIES: address})
    assert store.newest(FOLDER) == []
    store.close()
    assert list((tmp_path / "copies").glob("*")) == []


def test_stores_that_are_gone_or_refuse_are_told_with_their_own_cures(tmp_path: Path, unused_port: int) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = told("redis", QUANT_STATE_COPIES=f"redis://:hush-hush@127.0.0.1:{unused_port}/0")
    assert not found.check.good
    assert "start the server" in found.cure
    assert "hush-hush" not in str(found)
    found = told("s3", QUANT_STATE_COPIES=f"s3://state/p?endpoint=http://127.0.0.1:{unused_port}&region=us-east-1")
    assert not found.check.good
    assert "s3:PutObject" in found.cure
    found = told("file", QUANT_STATE_COPIES=f"file://{tmp_path}/file")
    assert not found.check.good
    assert "mount the folder" in found.cure


@pytest.mark.parametrize("address", ["s3"], indirect=True)
def test_a_wrong_password_and_a_bucket_that_is_not_there_are_told(redis_server: Any, address: str) -> None:
    found = told("redis", QUANT_STATE_COPIES=redis_server.address.replace("hush-hush", "guess"))
    assert "invalid username-password" in found.check.text
    assert "guess" not in str(found)
    found = told("s3", QUANT_STATE_COPIES=address.replace("s3://state/", "s3://elsewhere/"))
    assert "NoSuchBucket" in found.check.text


def test_every_store_is_tried_though_one_fails(copies: Path, unused_port: int) -> None:
    both = f"redis://127.0.0.1:{unused_port}/0 file://{copies}"
    found = {one.check.name: one.check.good for one in findings({COPIES: both})}
    assert (found["redis"], found["file"]) == (False, True)


class Losing(Memory):
    def get(self, folder: str, name: str) -> bytes | None:
        return None


class Changing(Memory):
    def get(self, folder: str, name: str) -> bytes | None:
        data = super().get(folder, name)
        return None if data is None else bytes([*data[:-1], data[-1] ^ 1])


class Keeping(Memory):
    def drop(self, folder: str, name: str) -> None:
        """It says that it did."""


@pytest.mark.parametrize(
    ("kind", "seal", "error", "why"),
    [
        (Losing, None, StoreError, "that it took is not there"),
        (Changing, None, StoreError, "came back as 64 other bytes"),
        (Changing, SEAL, SealError, "cannot be opened"),
        (Keeping, None, StoreError, "that was removed is still there"),
    ],
)
def test_a_store_that_says_it_is_well_and_is_not_is_found_out(
    kind: type[Memory], seal: Seal | None, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        probe(kind(), seal)


def test_what_stays_of_a_probe_opens_with_the_passphrase_alone() -> None:
    store = Keeping()
    with pytest.raises(StoreError):
        probe(store, SEAL)
    [data] = store.kept[FOLDER].values()
    assert data.startswith(b"QLSEALED")
