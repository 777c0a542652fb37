"""The Glue table: its columns, the pattern that splits a stored line into them, and its parameters."""

from collections.abc import Iterable

from contract.object_keys import LOGS_PREFIX, projection

# Column -> what it holds. All are strings: one number that does not fit must not fail a whole query.
COLUMNS = {
    "pri": "PRI of RFC 5424: facility * 8 + severity",
    "log_ts": "TIMESTAMP, as the sender wrote it: ISO 8601 with an offset",
    "seq": "position among lines of the same time in an object, from 2; empty for the first",
    "host": "HOSTNAME, always 'host' from Logplex",
    "source": "APP-NAME: 'app', 'heroku', or 'logdrain' for a quarantine line",
    "proc_id": "PROCID: the dyno ('web.1'), 'router', 'api', 'quarantine', ...",
    "msgid": "MSGID: '-' from Logplex; the reason of a quarantine line",
    "at": "router: at=",
    "code": "router: code=, the H or R code of an error",
    "descr": "router: desc=, unquoted",
    "method": "router: method=",
    "path": "router: path=, unquoted, with its query string; Router 2.0 decodes it, so it can have spaces",
    "request_id": "router: request_id=",
    "fwd": "router: fwd=, unquoted: the last address as Heroku saw it, those before it as clients and CDNs wrote them",
    "fwd_ip": "router: the last address of fwd=, the one that Heroku saw itself",
    "dyno": "router: dyno=",
    "connect_ms": "router: connect=, digits",
    "service_ms": "router: service=, digits",
    "status": "router: status=, three digits",
    "bytes": "router: bytes=, digits",
    "message": "MSG, escaped (see contract/stored_line.py)",
}

PARTITION_MEANINGS = {
    "app": "partition key: the Heroku app",
    "year": "partition key: year of the line in UTC, four digits ('2026')",
    "month": "partition key: month, two digits ('03')",
    "day": "partition key: day, two digits ('05'); filter by the keys to scan less",
}

# The Hive RegexSerDe reads it, group by group. A line that the pattern does not match would be NULL in every column, so
# it matches any line: a line without a syslog header as this project writes it is all `message`. It is anchored and
# bounded throughout, because hostile lines have overflowed the stack of simpler patterns. Measured on Trino 476.
_TIME = (
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})"
)

# The router writes its fields in one order: at=, code=, desc=, method=, path=, host=, request_id=, fwd=, dyno=,
# connect=, service=, status=, bytes=, protocol=, tls=, tls_version=. Clients write path=, host= and fwd=, and Router
# 2.0 decodes the path, so these can contain anything, quotes and whole fields too. So each of them ends where the rest
# of the line is as the router writes it: path= before host=, request_id= and fwd=, and fwd= before the last dyno= that
# no quote follows. Only a line of H31 ends in a quote, that of the client's agent=; no dyno was chosen for its request
# (Heroku Dev Center, "Heroku error codes").
_AFTER_HOST = r' request_id=[^ "]*+ fwd="'
_AFTER_PATH = rf'" host=(?:[^ "]*|[^"]*){_AFTER_HOST}'
_AFTER_FWD = r'" dyno=[^"]*+$'
_AFTER_FWD_OF_H31 = r'" dyno= connect= service= status=421 bytes= protocol=[^ "]* agent="'
# What comes before the last address of fwd=: without a quote in it, with quotes, in a line of H31, or in another form.
_OTHER_ADDRESSES = "|".join(
    (
        rf'(?<=")(?:[^"]*[, ])?(?=[^", ]++{_AFTER_FWD})',
        rf'(?<=")(?=.*{_AFTER_FWD}).*[, "](?=[^", ]++{_AFTER_FWD})',
        rf'(?<=")(?=.*"$)(?!{_AFTER_FWD_OF_H31})(?:.*?[, "])??(?=[^", ]++{_AFTER_FWD_OF_H31})',
        rf'(?<=")(?!(?:.*[, "])?{_AFTER_FWD}|.*{_AFTER_FWD_OF_H31})(?:[^"]*[, ])?',
        r'(?<!")(?:[^" ]*,)?',
    )
)
# The first alternative of a field is the usual one.
_ROUTER_FIELDS = "|".join(
    (
        r"at=(\w+)",
        r"code=(\w+)",
        r'desc="([^"]*)"',
        r'method="?([^" ]+)"?',
        rf'path="?((?<=")(?:[^"]*+(?={_AFTER_PATH})|.*?(?={_AFTER_PATH})|.*?(?=" host=))|[^ ]+?)"?',
        rf'host=(?:[^ "]*+(?={_AFTER_HOST})|[^"]*(?={_AFTER_HOST})|.*?(?={_AFTER_HOST})|[^ ]*)',
        r'request_id="?([^" ]+)"?',
        rf'fwd="?((?:{_OTHER_ADDRESSES})([^", ]+))"?',
        # Empty, or without an address at its end.
        rf'fwd="(?:(?:.*[, "])?(?={_AFTER_FWD})|.*?(?={_AFTER_FWD_OF_H31}))"',
        r'dyno="?([^" ]+)"?',
        r"connect=(\d{1,9})ms",
        r"service=(\d{1,9})ms",
        r"status=(\d{3})",
        r"bytes=(\d{1,15})",
        r'agent=".*',
        # Fields that are unknown or have no value, and words.
        r'[a-z_]+=(?:"[^"]*"|[^" ][^ ]*|)',
        r"[^ ]+",
    )
)
_STRUCTURED_DATA = r'(?:-|\[meta sequenceId="\d{1,10}"\])'

# Router fields are read only from the router's own lines, because the text of other lines can be anything. Fields are
# found by key, one after the other; the loop over them never backtracks (the `+` after its bounds), which keeps it off
# the stack and makes it a third faster.
ROW_PATTERN = (
    rf"^(?:<(\d{{1,3}})>1 ({_TIME})"
    r'(?= \S+ \S+ \S+ \S+ (?:-|\[meta sequenceId="(\d{1,10})"\])(?: |$)) '
    r"(\S+) (\S+) (\S+) (\S+)"
    rf"(?:(?<= heroku router -)(?= {_STRUCTURED_DATA} (?:(?:{_ROUTER_FIELDS})(?: |$)){{1,24}}+))?"
    rf" {_STRUCTURED_DATA}(?: |$))?"
    r"(.*)$"
)

INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
SERDE = "org.apache.hadoop.hive.serde2.RegexSerDe"


def location(bucket: str) -> str:
    """Give the table's location: the prefix above all partitions."""
    return f"s3://{bucket}/{LOGS_PREFIX}"


def parameters(bucket: str, apps: Iterable[str]) -> dict[str, str]:
    """Give the table's parameters; `apps` are the possible values of the partition key `app`."""
    return {
        "EXTERNAL": "TRUE",
        # Without this Athena silently skips restored objects, too ("Query restored Amazon S3 Glacier objects", Athena
        # user guide).
        "read_restored_glacier_objects": "true",
        **projection(bucket, apps),
    }
