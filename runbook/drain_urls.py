"""stub"""


def is_ours(url: str, endpoint: str) -> bool:
    return url.partition("?")[0] == endpoint
