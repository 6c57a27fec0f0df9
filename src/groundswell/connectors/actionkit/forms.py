"""Bodies that are not JSON."""

from collections.abc import Mapping
from hashlib import blake2b


def multipart(fields: Mapping[str, str], name: str, filename: str, content: bytes) -> tuple[str, bytes]:
    """A form with one file: its media type, and the bytes. The boundary is made from the file, so it is not in it."""
    boundary = f"groundswell-{blake2b(content, digest_size=16).hexdigest()}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        "Content-Type: text/csv; charset=utf-8\r\n\r\n"
    )
    body = "".join(parts).encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body
