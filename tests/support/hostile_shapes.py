"""Messages in the router's name, shaped to keep a regular expression busy for ever, or to overflow its stack."""

LONG = 10_000
H31 = b'a" dyno= connect= service= status=421 bytes= protocol=http agent="'

# By what repeats in them; each of about LONG bytes, but for the last.
SHAPES = {
    "quote-that-never-ends": b'path="' + b"a" * LONG,
    "quotes": b'desc="' + b'" "' * (LONG // 3),
    "commas": b"fwd=" + b"," * LONG,
    "quoted-commas": b'fwd="' + b"a, " * (LONG // 3),
    "forwarded-again": b'fwd="a ' * (LONG // 7),
    "forwarded-quotes": b'fwd="' + b'"' * LONG,
    "forwarded-to-a-dyno": b'fwd="' + b'a" dyno=' * (LONG // 8),
    "addresses-and-no-end": b'fwd="' + b"1.2.3.4," * (LONG // 8) + b"!",
    "hosts-and-no-end": b'path="' + b'" host=' * (LONG // 7),
    "request-ids-and-no-end": b'path="" host=' + b" request_id=a" * (LONG // 13) + b' b fwd="',
    "hosts-with-request-ids": b'path="' + b'" host=a request_id=b c ' * (LONG // 23),
    "forwarded-to-an-agent": b'fwd="' + H31 * (LONG // len(H31)) + b"!",
    "agents": b'fwd="a' + H31 * (LONG // len(H31)) + b'"',
    "keys": b"a=" * (LONG // 2),
    "fields": b"status=200 " * (LONG // 11),
    "spaces": b" " * LONG,
    "digits": b"service=" + b"9" * LONG + b"ms",
    "words": b"at=" + b"a" * LONG + b"!",
    "brackets": b'[a b="c"]' * (LONG // 9),
    "one-megabyte": b"path=/" + b"a" * 1_000_000,
}
