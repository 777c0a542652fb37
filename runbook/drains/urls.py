"""Which drains are this stack's, and how their URLs are shown. Pure."""

from urllib.parse import urlsplit


def is_ours(url: str, endpoint: str) -> bool:
    """Whether a drain's URL is of the stack's endpoint, whatever its query, and so its token, is."""
    return _place(url) == _place(endpoint)


def masked(url: str) -> str:
    """A drain's URL for the screen: without user, password and query, in which tokens are."""
    try:
        found = urlsplit(url)
    except ValueError:
        return "(no URL)"
    host = found.netloc.rpartition("@")[2]
    return f"{found.scheme}://{host}{found.path}" + ("?…" if found.query else "")


def _place(url: str) -> tuple[object, ...] | None:
    """Whom a URL is of, however it is written; None for what is no URL."""
    try:
        found = urlsplit(url)
        port = found.port or {"https": 443, "http": 80}.get(found.scheme)
        return found.scheme, found.username, found.hostname, port, found.path
    except ValueError:
        return None
