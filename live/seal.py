"""State at rest under a passphrase: AES-256-GCM, whose key PBKDF2-HMAC-SHA256 makes of the passphrase and a salt.

    envelope   magic 8s | version u32 | rounds u32 | salt 16s | sealed
    sealed     nonce 12s | ciphertext | tag 16s

A session has one salt, so one key, which is made once in a process.  Every nonce is random: a frame that is written
again after a crash may say something else, and a counter would then serve twice.  96 random bits last for 2**32 sealed
pieces under one key, NIST SP 800-38D, sec. 8.3.  What a piece is about (its file, its place) is authenticated with it,
so that one cannot be put where another was.

Source: rounds by OWASP, Password Storage Cheat Sheet, for PBKDF2-HMAC-SHA256.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from live.errors import ConfigError, SealError

PASSPHRASE, PASSPHRASE_FILE = "QUANT_PASSPHRASE", "QUANT_PASSPHRASE_FILE"
NEXT, NEXT_FILE = "QUANT_PASSPHRASE_NEW", "QUANT_PASSPHRASE_NEW_FILE"  # what it is changed to
MAGIC, VERSION = b"QLSEALED", 1
HEAD = struct.Struct("<8sII16s")
ROUNDS, MOST_ROUNDS = 600_000, 50_000_000
SALT, NONCE, TAG = 16, 12, 16  # bytes
SHORTEST = 8  # characters of a passphrase
WRONG = "the passphrase is not the one it was sealed with, or it was changed since"


class Seal:
    """A passphrase, and the keys made of it so far.

    Args:
        passphrase: it is not kept longer than this value lives, nor shown.
        rounds: of PBKDF2, for new salts; what is read says its own.
    """

    def __init__(self, passphrase: str, rounds: int = ROUNDS) -> None:
        self._passphrase, self._rounds = passphrase.encode(), rounds
        self._keys: dict[tuple[bytes, int], Key] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return "Seal(…)"

    def fresh(self) -> Key:
        """A key of a new salt."""
        return self.key(os.urandom(SALT), self._rounds)

    def key(self, salt: bytes, rounds: int) -> Key:
        """The key of a salt: slow the first time, on purpose."""
        with self._lock:
            if (salt, rounds) not in self._keys:
                made = hashlib.pbkdf2_hmac("sha256", self._passphrase, salt, rounds)
                self._keys[salt, rounds] = Key(self, salt, rounds, made)
            return self._keys[salt, rounds]

    def opened(self, who: str, envelope: bytes, about: bytes) -> tuple[bytes, Key]:
        """What an envelope holds, and the key that it was sealed with.

        Args:
            who: what is opened, for the error.
            about: as when it was sealed.

        Raises:
            SealError: if it is no envelope, the passphrase another, or a bit of it was changed.
        """
        if not is_sealed(envelope):
            raise SealError(
                f"{who}: it is not sealed, though a passphrase is set: it was written without one, or exchanged; "
                f"unset {PASSPHRASE} to go on in the clear, or start afresh with --fresh"
            )
        if len(envelope) < HEAD.size:
            raise SealError(f"{who}: its seal is cut short after {len(envelope)} bytes")
        _, version, rounds, salt = HEAD.unpack_from(envelope)
        if version != VERSION or not 1 <= rounds <= MOST_ROUNDS:
            raise SealError(f"{who}: it is sealed in version {version} with {rounds} rounds, which is none of ours")
        key = self.key(salt, rounds)
        return key.opened(who, envelope[HEAD.size :], envelope[: HEAD.size] + about), key


class Key:
    """One key of a `Seal`, which finds keys of other salts."""

    def __init__(self, seal: Seal, salt: bytes, rounds: int, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.seal = seal
        self._head = HEAD.pack(MAGIC, VERSION, rounds, salt)
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "Key(…)"

    def envelope(self, plain: bytes, about: bytes) -> bytes:
        """Sealed, with all that the passphrase needs to open it."""
        return self._head + self.sealed(plain, self._head + about)

    def sealed(self, plain: bytes, about: bytes) -> bytes:
        """Nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, about)

    def opened(self, who: str, sealed: bytes, about: bytes) -> bytes:
        """What was sealed.

        Raises:
            SealError: if it was sealed with another key or about something else, or changed.
        """
        from cryptography.exceptions import InvalidTag

        if len(sealed) < NONCE + TAG:
            raise SealError(f"{who}: {len(sealed)} bytes are too few to be sealed")
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about)
        except InvalidTag:
            raise SealError(f"{who}: it cannot be opened: {WRONG}") from None


def is_sealed(data: bytes) -> bool:
    """Whether it begins as an envelope does."""
    return data.startswith(MAGIC)


def enclosed(plain: bytes, about: bytes, key: Key | None) -> bytes:
    """In an envelope if there is a key, else as it is."""
    return plain if key is None else key.envelope(plain, about)


def disclosed(who: str, data: bytes, about: bytes, seal: Seal | None) -> bytes:
    """What `enclosed` was given.

    Raises:
        SealError: if it was sealed and there is no passphrase, or the other way round, or it cannot be opened.
    """
    if seal is not None:
        return seal.opened(who, data, about)[0]
    if is_sealed(data):
        raise missing(who)
    return data


def missing(who: str) -> SealError:
    """The error of having no passphrase where one is needed."""
    return SealError(f"{who}: it is sealed; set {PASSPHRASE}, or {PASSPHRASE_FILE} to a file of mode 600 that holds it")


def seal_of(environment: Mapping[str, str], name: str = PASSPHRASE, file: str = PASSPHRASE_FILE) -> Seal | None:
    """The seal of a passphrase in the environment, or in a file that it names; None if there is neither.

    Args:
        environment: with the passphrase, or the name of its file.
        name, file: of the variables.

    Raises:
        ConfigError: if there are both, the passphrase is short, no file is named, or others may read it.
    """
    given, named = environment.get(name), environment.get(file)
    if given is not None and named is not None:
        raise ConfigError(f"seal: {name} and {file} are both set; keep one")
    if named == "":
        raise ConfigError(f"seal: {file} is empty; name a file of mode 600 that holds the passphrase, or unset it")
    if named is not None:
        given = _read(Path(named), file)
    if given is None:
        return None
    if len(given) < SHORTEST:
        raise ConfigError(f"seal: a passphrase has at least {SHORTEST} characters, got {len(given)}")
    return Seal(given)


def _read(path: Path, named: str) -> str:
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise ConfigError(f"seal: {path} holds a passphrase and others may read it (mode {mode:o}); chmod 600")
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"seal: {path}, named by {named}, cannot be read ({error})") from error
