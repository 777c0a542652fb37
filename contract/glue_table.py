"""The Glue table: its columns, the pattern that reads a stored line into them, and its parameters."""

from collections.abc import Iterable

from contract.object_keys import LOGS_PREFIX, projection

# Column -> what it holds. All are strings: a number that does not fit must not fail a whole query.
COLUMNS = {
    "pri": "PRI of RFC 5424: facility * 8 + severity",
    "log_ts": "TIMESTAMP, as the sender wrote it: ISO 8601 with an offset",
    "host": "HOSTNAME, always 'host' from Logplex",
    "source": "APP-NAME: 'app', 'heroku', or 'logdrain' for a quarantine line",
    "proc_id": "PROCID: the dyno ('web.1'), 'router', 'api', 'quarantine', ...",
    "msgid": "MSGID: '-' from Logplex; the reason of a quarantine line",
    "at": "router: at=",
    "code": "router: code=, the H or R code of an error",
    "descr": "router: desc=, unquoted",
    "method": "router: method=",
    "path": "router: path=, unquoted, with its query string",
    "request_id": "router: request_id=",
    "fwd_ip": "router: the last address of fwd=, the one that Heroku saw itself",
    "dyno": "router: dyno=",
    "connect_ms": "router: connect=, digits",
    "service_ms": "router: service=, digits",
    "status": "router: status=, three digits",
    "bytes": "router: bytes=, digits",
    "message": "MSG, escaped (see contract/stored_line.py)",
}

# Read by the Hive RegexSerDe, group by group. A line that it does not match would be NULL in every column, so
# it matches any line: what has no syslog header, as this project writes it, is all `message`. Anchored and bounded
# throughout, as hostile lines have overflowed the stack of simpler patterns, and router fields are taken only from the
# router's own lines, as text can hold anything. Fields are found by key, one after the other; the loop over them never
# goes back (`+` behind its bounds), which keeps it off the stack and makes it a third faster. fwd= holds a header that
# clients write, perhaps with quotes in it: where the line's last quote stands before ` dyno=`, as the router writes it,
# it is the end of fwd=. Measured on Trino 476.
ROW_PATTERN = (
    r"^(?:<(\d{1,3})>1 "
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})) "
    r"(\S+) (\S+) (\S+) (\S+) -(?: |$)"
    r"(?:(?<= heroku router - - )(?=(?:(?:"
    r'at=(\w+)|code=(\w+)|desc="([^"]*)"|method="?([^" ]+)"?|path="?([^ ]+?)"?|request_id="?([^" ]+)"?'
    r'|fwd=(?:"(?=[^"]*+"(?=[^"]*+").*" dyno=[^"]*$)(?:.*[, "])?(?=[^", ]+" dyno=[^"]*$)|"(?:[^"]*[, ])?|(?:[^" ]*,)?)'
    r'([^", ]+)"?|dyno="?([^" ]+)"?'
    r"|connect=(\d{1,9})ms|service=(\d{1,9})ms|status=(\d{3})|bytes=(\d{1,15})"
    r'|[a-z_]+=(?:"[^"]*"|[^" ][^ ]*|)|[^ ]+)(?: |$)){1,40}+))?)?'
    r"(.*)$"
)

INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
SERDE = "org.apache.hadoop.hive.serde2.RegexSerDe"


def location(bucket: str) -> str:
    """Give the table's location: the prefix above all partitions."""
    return f"s3://{bucket}/{LOGS_PREFIX}"


def parameters(bucket: str, apps: Iterable[str]) -> dict[str, str]:
    """Give the table's parameters; `apps` are the values that the partition key `app` may have."""
    return {
        "EXTERNAL": "TRUE",
        # Without it Athena skips what was restored from Glacier too, in silence ("Query restored Amazon S3 Glacier
        # objects", Athena user guide).
        "read_restored_glacier_objects": "true",
        **projection(bucket, apps),
    }
