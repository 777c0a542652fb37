"""Which drains are this stack's, and how their URLs are shown. Pure."""

from urllib.parse import urlsplit


def is_ours(url: str, endpoint: str) -> bool:
    """Whether a drain's URL is of the stack's endpoint, whatever its query, and so its token, is."""
    found, ours = urlsplit(url), urlsplit(endpoint)
    return (found.scheme, found.netloc, found.path) == (ours.scheme, ours.netloc, ours.path)


def masked(url: str) -> str:
    """A drain's URL for the screen: without user, password and query, in which tokens are."""
    found = urlsplit(url)
    host = found.netloc.rpartition("@")[2]
    return f"{found.scheme}://{host}{found.path}" + ("?…" if found.query else "")
