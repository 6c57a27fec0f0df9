"""The headers that every answer of the ops port has: what a browser may do with it, which is little."""

from typing import Final

from aiohttp import web

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT_SECURITY: Final = "max-age=31536000"

IS_SECURE: Final = web.RequestKey("is_secure", bool)
"""Whether the browser came by HTTPS: here, or to a proxy of ours."""


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """For `on_response_prepare`. What a handler has set stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.pop("Server", None)  # nobody needs to know the versions
    if isinstance(request, web.Request) and request.get(IS_SECURE, False):
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
