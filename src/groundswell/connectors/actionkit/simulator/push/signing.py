"""A key and a certificate of our own, to sign messages as SNS does: made from the seed, good for nothing else.

Written out because nothing else here needs a library for cryptography: RSA with PKCS #1 v1.5, and the few bytes of
ASN.1 around a certificate that vouches for itself.
"""

import hashlib
from base64 import b64encode
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

BITS: Final = 2048
_EXPONENT: Final = 65_537
_SMALL_PRIMES: Final = tuple(n for n in range(3, 2_000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))
_ROUNDS: Final = 20
_SHA256_WITH_RSA: Final = bytes.fromhex("06092a864886f70d01010b")
_RSA: Final = bytes.fromhex("06092a864886f70d010101")
_COMMON_NAME: Final = bytes.fromhex("0603550403")
_NULL: Final = b"\x05\x00"
_DIGEST: Final = {
    "1": ("sha1", bytes.fromhex("3021300906052b0e03021a05000414")),
    "2": ("sha256", bytes.fromhex("3031300d060960864801650304020105000420")),
}
"""By the version of the signature: the hash, and what stands before it in the padding."""
_VALID: Final = (b"240101000000Z", b"490101000000Z")


class SigningKey(NamedTuple):
    modulus: int
    secret: int

    def sign(self, text: bytes, version: str = "1") -> str:
        """Base64, as it stands in a message."""
        return b64encode(self._signature(text, version)).decode()

    def certificate(self) -> str:
        """PEM, signed with itself."""
        name = _sequence(_tagged(0x31, _sequence(_COMMON_NAME, _tagged(0x0C, b"sns.amazonaws.com"))))
        algorithm = _sequence(_SHA256_WITH_RSA, _NULL)
        public = _sequence(_integer(self.modulus), _integer(_EXPONENT))
        body = _sequence(
            _tagged(0xA0, _integer(2)),
            _integer(self.modulus % 2**63 | 1),
            algorithm,
            name,
            _sequence(*(_tagged(0x17, moment) for moment in _VALID)),
            name,
            _sequence(_sequence(_RSA, _NULL), _tagged(0x03, b"\0" + public)),
        )
        whole = _sequence(body, algorithm, _tagged(0x03, b"\0" + self._signature(body, "2")))
        coded = b64encode(whole).decode()
        lines = [coded[at : at + 64] for at in range(0, len(coded), 64)]
        return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))

    def _signature(self, text: bytes, version: str) -> bytes:
        size = BITS // 8
        word, prefix = _DIGEST[version]
        digest = prefix + hashlib.new(word, text, usedforsecurity=False).digest()
        padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
        return pow(int.from_bytes(padded), self.secret, self.modulus).to_bytes(size)


@lru_cache(maxsize=8)
def signing_key(seed: int) -> SigningKey:
    """The same for a seed. Takes a second or so the first time."""
    random = Random(f"signing {seed}")
    while True:
        one, other = _prime(random), _prime(random)
        order = (one - 1) * (other - 1)
        if one != other and order % _EXPONENT:
            return SigningKey(one * other, pow(_EXPONENT, -1, order))


def _prime(random: Random) -> int:
    while True:
        # The two highest bits are set, so that the product of two has all of its bits.
        number = random.getrandbits(BITS // 2) | 3 << (BITS // 2 - 2) | 1
        if all(number % small for small in _SMALL_PRIMES) and _is_prime(number, random):
            return number


def _is_prime(number: int, random: Random) -> bool:
    """Miller and Rabin's test."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(_ROUNDS):
        power = pow(random.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1))
