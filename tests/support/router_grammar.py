"""A second reader of the router's lines: written from the order of the fields alone, without a regular expression.

    at=… code=… desc="…" method=… path="PATH" host=HOST request_id=… fwd="FWD" dyno=… connect=…ms service=…ms status=…
    bytes=… protocol=… tls=… tls_version=… agent="AGENT"

Code and description are only in errors, the last two but one only in lines of the new router, and AGENT only in those
of H31, whose dyno=, connect=, service= and bytes= are empty. Clients write what is in capitals, and can write anything.
"""

OF_H31 = '" dyno= connect= service= status=421 bytes= protocol='


def read(message: str) -> dict[str, str]:
    """The columns of a message that the router wrote, those without a value left out."""
    router, _, rest = message.partition(' path="')
    path, request_id, rest = split_at_host(rest)
    if message.endswith('"'):
        parts = rest.split(OF_H31)
        ends = (OF_H31.join(parts[:number]) for number in range(1, len(parts)))
        fwd = next((end for end in ends if not end or end[-1] not in '", '), "")
        rest = " connect= service= status=421 bytes="
    else:
        fwd, _, rest = rest.rpartition('" dyno=')
    before, after = fields(router), fields("dyno=" + rest)
    last = fwd.replace('"', ",").replace(" ", ",").rpartition(",")[2]
    columns = {
        "at": before.get("at"),
        "code": before.get("code"),
        "descr": before.get("desc"),
        "method": before.get("method"),
        "path": path,
        "request_id": request_id,
        "fwd": last and fwd,
        "fwd_ip": last,
        "dyno": after["dyno"],
        "connect_ms": after["connect"].removesuffix("ms"),
        "service_ms": after["service"].removesuffix("ms"),
        "status": after["status"],
        "bytes": after["bytes"],
    }
    return {name: value for name, value in columns.items() if value}


def split_at_host(text: str) -> tuple[str, str, str]:
    """PATH, the request id, and what follows the quote of fwd=; HOST has quotes only where nothing else is possible."""
    parts = text.split('"')
    for number, part in enumerate(parts):
        if number and part.startswith(" host=") and part.endswith(" fwd="):
            host, found, request_id = part.removesuffix(" fwd=").rpartition(" request_id=")
            if found and host.startswith(" host=") and " " not in request_id:
                return '"'.join(parts[:number]), request_id, '"'.join(parts[number + 1 :])
    path, _, rest = text.partition('" host=')
    for place in range(len(rest)):
        if rest.startswith(" request_id=", place):
            request_id, found, after = rest[place:].removeprefix(" request_id=").partition(' fwd="')
            if found and " " not in request_id and '"' not in request_id:
                return path, request_id, after
    raise AssertionError(text)


def fields(text: str) -> dict[str, str]:
    """Fields by key; only desc= has spaces."""
    text, _, desc = text.partition(' desc="')
    found = dict(word.partition("=")[::2] for word in text.split(" "))
    if desc:
        found["desc"], _, rest = desc.partition('"')
        found |= fields(rest.strip())
    return found
