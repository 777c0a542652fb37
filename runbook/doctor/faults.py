"""What the doctor looks at and can find: one table, which `doctor --list` shows and the docs are written from. Pure.

In a fault's texts `{app}` and the like stand for what the finding is about, or for an output of the stack.
"""

from dataclasses import dataclass
from enum import StrEnum

from contract import names

_UPDATE = "pulumi up --refresh"
# The last six hours; the CLI takes milliseconds.
_SINCE = '--start-time "$(( ($(date +%s) - 21600) * 1000 ))" --region {region}'
# The receiver's own faults are JSON with the level ERROR. What Lambda says of a function that cannot start, takes too
# long or uses up its memory is plain text ("Troubleshoot execution issues in Lambda"), which no JSON pattern finds.
_RECEIVER_LOG = (
    f"aws logs filter-log-events --log-group-name {names.function_log_group('{receiver}')} "
    '--filter-pattern \'?ERROR ?"timed out" ?"Runtime exited"\' ' + _SINCE
)
_ACCESS_LOG = (
    f"aws logs filter-log-events --log-group-name {names.access_log_group('{namePrefix}')} "
    "--filter-pattern '{{ $.status = \"{status}\" }}' " + _SINCE
)
_MOVE_AWAY = "aws s3 mv {url} . --region {region}"


class Identity(StrEnum):
    """Whose rights a check needs."""

    READER = "reader"  # the reader role
    BREAK_GLASS = "break-glass"  # the operator's own, which may read secrets and the settings of what is in AWS
    HEROKU = "Heroku key"


IDENTITIES = {
    Identity.READER: "the reader role's rights; with --assume they are taken, else yours are used",
    Identity.BREAK_GLASS: "your own credentials, of someone who may read secrets and look into AWS's settings",
    Identity.HEROKU: "HEROKU_API_KEY, or the Heroku CLI's login, of someone who may see the apps' drains",
}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: what is said of it, what to do, and the command for that."""

    code: str
    found: str
    remedy: str
    command: str


@dataclass(frozen=True)
class Check:
    """Something that is looked at, whose rights that takes, and what can be wrong with it."""

    name: str
    looks_at: str
    identities: tuple[Identity, ...]
    faults: tuple[Fault, ...]


# ---------------------------------------------------------------- from Heroku to the receiver

DRAIN_MISSING = Fault(
    "drain-missing",
    "{app} has no drain to this stack, and {others} to elsewhere",
    "nothing of it is kept; register its drain",
    "python -m runbook start --app {app}",
)
DRAIN_REFUSED = Fault(
    "drain-refused",
    "{app} drains with a token that the receiver refuses (drain {id}), and Heroku drops what is refused",
    "register the right one, then remove this",
    "python -m runbook start --app {app} && heroku drains:remove {id} --app {app}",
)
DRAIN_NOT_ROTATED = Fault(
    "drain-not-rotated",
    "{app} drains with the token of another generation (drain {id}), which the next rotation shuts out",
    "finish the rotation",
    "pulumi up",
)
DRAIN_DOUBLED = Fault(
    "drain-doubled",
    "{app} has drain {id} to this stack beside the right one, {token}",
    "its lines are stored twice, or refused in vain; remove it",
    "heroku drains:remove {id} --app {app}",
)
DRAIN_DESPITE_STOP = Fault(
    "drain-despite-stop",
    "{app} has drain {id} to this stack, though drainsEnabled is false",
    "stop it, or set drainsEnabled to true",
    "python -m runbook stop --app {app}",
)
DRAINS = Check(
    "drains",
    "the drains that Heroku has of each app: one to this stack, with the URL that SSM has",
    (Identity.HEROKU, Identity.BREAK_GLASS),
    (DRAIN_MISSING, DRAIN_REFUSED, DRAIN_NOT_ROTATED, DRAIN_DOUBLED, DRAIN_DESPITE_STOP),
)

ENDPOINT_UNREACHABLE = Fault(
    "endpoint-unreachable",
    "the endpoint gives no answer: {reason}",
    "see whether its API is there; if it is, check the way from here to AWS, and the receiver's log",
    "aws apigatewayv2 get-apis --query 'Items[].[Name,ApiEndpoint]' --output text --region {region}",
)
# API Gateway says why it answers by itself in a JSON message; the receiver's answers are empty.
RECEIVER_FAILS = Fault(
    "receiver-fails",
    "{app}: the receiver answers an empty batch with the app's own token {status}, not 200",
    "the receiver's log says why",
    _RECEIVER_LOG,
)
GATEWAY_FAILS = Fault(
    "gateway-fails",
    "{app}: API Gateway itself answers {status}: it got no answer from the receiver, whose log may be empty",
    "integrationError in its access log says why: no permission to call the function (then run pulumi up --refresh), a "
    "throttled function (raise its concurrency or the account's), or a function that failed (see its own log)",
    _ACCESS_LOG,
)
GATEWAY_THROTTLES = Fault(
    "gateway-throttles",
    "{app}: API Gateway throttles the drains (429); Logplex tries a batch three times without a pause, then drops it",
    "the access log says who sends so much, though API Gateway may not log every 429; the account's limit counts too",
    _ACCESS_LOG,
)
ROUTE_MISSING = Fault(
    "route-missing",
    "{app}: API Gateway answers 404: the drain's route or stage does not exist, and Heroku drops what is refused",
    "have the stack write them again",
    _UPDATE,
)
ENDPOINT_FORBIDDEN = Fault(
    "endpoint-forbidden",
    "{app}: an empty batch is answered 403, which neither the receiver nor this stack's API gives",
    "a proxy between here and AWS may have answered; if not, somebody changed the API: have the stack write it again",
    _UPDATE,
)
TOKEN_REFUSED = Fault(
    "token-refused",
    "{app}: the token that SSM has is answered 401, so Heroku drops the app's lines",
    "see whether the function has the keys and apps that the stack says",
    "aws lambda get-function-configuration --function-name {receiver} --query Environment.Variables --region {region}",
)
ENDPOINT_OPEN = Fault(
    "endpoint-open",
    "a wrong token is answered {status}, not 401",
    "anybody may be able to write lines; stop the drains, and deploy the receiver again",
    "python -m runbook stop",
)
ENDPOINT_SLOW = Fault(
    "endpoint-slow",
    "{app}: an empty batch took {seconds} s, and Logplex waits 5 s",
    "if it waited for AWS the receiver's log says so; otherwise its function was starting",
    _RECEIVER_LOG,
)
ENDPOINT = Check(
    "endpoint",
    "the drain endpoint: an empty batch with each app's token is taken in time, one with a wrong token refused",
    (Identity.BREAK_GLASS,),
    (
        ENDPOINT_UNREACHABLE, RECEIVER_FAILS, GATEWAY_FAILS, GATEWAY_THROTTLES, ROUTE_MISSING, ENDPOINT_FORBIDDEN,
        TOKEN_REFUSED, ENDPOINT_OPEN, ENDPOINT_SLOW,
    ),
)  # fmt: skip

PARAMETER_MISSING = Fault(
    "parameter-missing", "there is no SSM parameter {name}", "have the stack write it again", _UPDATE
)
PARAMETER_DIFFERS = Fault(
    "parameter-differs", "the SSM parameter {name} {difference}", "have the stack write it again", _UPDATE
)
PARAMETERS = Check(
    "parameters",
    "SSM: all parameters are there and say what the stack does, drain URLs have tokens of the present key",
    (Identity.READER, Identity.BREAK_GLASS),
    (PARAMETER_MISSING, PARAMETER_DIFFERS),
)

BATCHES_WAITING = Fault(
    "batches-waiting",
    "{batches} in the spill queue, which S3 did not take in time",
    "retried every 15 minutes for five days; the receiver's log says why",
    _RECEIVER_LOG,
)
DEAD_LETTERS = Fault(
    "dead-letters",
    "{batches} among the dead letters: nothing retries them, and SQS deletes them 14 days after they were first sent",
    "when what docs/deploy.md says of them is done, move them back",
    "aws sqs start-message-move-task --source-arn {arn} --region {region}",
)
QUEUES = Check(
    "queues",
    "the spill queue and its dead letters: both empty",
    (Identity.BREAK_GLASS,),
    (BATCHES_WAITING, DEAD_LETTERS),
)

# ---------------------------------------------------------------- the archive

APP_SILENT = Fault(
    "app-silent",
    "{app}: {newest}, and {silenceHours} h is the limit",
    "see whether it logs at all; if it does, see what else was found here",
    "heroku logs --app {app} --num 20",
)
OBJECTS = Check(
    "objects",
    "the newest object of each app: not older than the limit of silence",
    (Identity.READER,),
    (APP_SILENT,),
)

APP_UNKNOWN = Fault(
    "app-unknown",
    "there are objects below {url}, and the table has no such app: no query finds them",
    "add the app to `apps`, or move them away",
    "aws s3 ls --recursive --summarize {url} --region {region}",
)
DAY_UNKNOWN = Fault(
    "day-unknown",
    "there are objects below {url}, which is no year, month or day of the table: no query finds them",
    "move them away",
    "aws s3 mv --recursive {url} . --region {region}",
)
OBJECT_FOREIGN = Fault(
    "object-foreign",
    "{url} is no object of the receiver's: its lines are wrong, or it fails each query of its day",
    "move it away; versioning keeps it for seven days",
    _MOVE_AWAY,
)
LAYOUT = Check(
    "layout",
    "what lies under logs/: only apps and days that the table has; of today and yesterday, only the receiver's objects",
    (Identity.READER,),
    (APP_UNKNOWN, DAY_UNKNOWN, OBJECT_FOREIGN),
)

POLICY_DIFFERS = Fault("policy-differs", "the bucket's policy {difference}", "have the stack write it again", _UPDATE)
LIFECYCLE_DIFFERS = Fault(
    "lifecycle-differs", "the bucket's lifecycle {difference}", "have the stack write it again", _UPDATE
)
BUCKET_OPEN = Fault(
    "bucket-open", "the bucket does not block all public access", "have the stack block it again", _UPDATE
)
VERSIONING_OFF = Fault(
    "versioning-off", "the bucket keeps no versions: what is deleted is gone", "have the stack turn it on", _UPDATE
)
BUCKET = Check(
    "bucket",
    "the bucket's policy, lifecycle, public access block and versioning: as this version declares them",
    (Identity.BREAK_GLASS,),
    (POLICY_DIFFERS, LIFECYCLE_DIFFERS, BUCKET_OPEN, VERSIONING_OFF),
)

# ---------------------------------------------------------------- who may

WRITER_MAY_NOT = Fault(
    "writer-may-not", "the writer user may not put log objects ({decision})", "have the stack allow it again", _UPDATE
)
WRITER_MAY_MORE = Fault(
    "writer-may-more",
    "the writer user may {action} on {resource}",
    "see where it has that right from, and take it away",
    "aws iam list-user-policies --user-name {user} && aws iam list-attached-user-policies --user-name {user} "
    "&& aws iam list-groups-for-user --user-name {user}",
)
WRITER = Check(
    "writer",
    "the writer user's rights: it may put log objects, and neither read them nor put anything elsewhere",
    (Identity.BREAK_GLASS,),
    (WRITER_MAY_NOT, WRITER_MAY_MORE),
)

READER_MISSING = Fault("reader-missing", "there is no reader role {role}", "have the stack make it again", _UPDATE)
READER_ORPHANED = Fault(
    "reader-orphaned",
    "the reader role trusts {principal}, a principal that was deleted: nobody may assume it",
    "have the stack look the break-glass principal up again",
    _UPDATE,
)
READER_REFUSED = Fault(
    "reader-refused",
    "the reader role trusts you and cannot be assumed all the same: {reason}",
    "see who denies it; your own policies, a boundary, or the organisation may",
    "aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument",
)
READER = Check(
    "reader",
    "the reader role: it is there, trusts someone who exists, and can be assumed",
    (Identity.BREAK_GLASS,),
    (READER_MISSING, READER_ORPHANED, READER_REFUSED),
)

# ---------------------------------------------------------------- queries

TABLE_MISSING = Fault("table-missing", "Glue has no table {name}", "have the stack make it again", _UPDATE)
TABLE_DIFFERS = Fault(
    "table-differs", "{name} is not as this version declares it: {parts}", "have the stack write it again", _UPDATE
)
VIEW_WITHOUT_SERDE = Fault(
    "view-without-serde",
    'the view {name} has no SerDe in Glue: each query of it fails, "Table storage descriptor is missing SerDe info"',
    "have the stack write it again",
    _UPDATE,
)
VIEW_FAILS = Fault(
    "view-fails",
    "Athena cannot query the view {name}, which is as this version declares it: {reason}",
    "see whether the table can be queried; if it can, the reason is in the view's own query",
    "python -m runbook sql \"SELECT * FROM {table} WHERE year = '{year}' AND month = '{month}' AND day = '{day}' "
    'LIMIT 5"',
)
CATALOG = Check(
    "catalog",
    "table and view in Glue: columns, row pattern, projection, SerDe and the view's query are this version's; Athena "
    "answers a query of the view",
    (Identity.READER,),
    (TABLE_MISSING, TABLE_DIFFERS, VIEW_WITHOUT_SERDE, VIEW_FAILS),
)

WORKGROUP_DIFFERS = Fault(
    "workgroup-differs",
    "the workgroup {workgroup} {difference}",
    "have the stack write it again",
    _UPDATE,
)
WORKGROUP = Check(
    "workgroup",
    "the Athena workgroup: enabled, with a limit of bytes scanned that no client can override",
    (Identity.READER,),
    (WORKGROUP_DIFFERS,),
)

LINES_INVISIBLE = Fault(
    "lines-invisible",
    "{app}: {objects} of the last 24 h, and no line of it in Athena",
    "see which of the table's columns are empty",
    "python -m runbook sql \"SELECT * FROM {table} WHERE app = '{app}' AND year = '{year}' AND month = '{month}' "
    "AND day = '{day}' LIMIT 5\"",
)
OBJECT_UNREADABLE = Fault(
    "object-unreadable",
    "Athena cannot read {url}: each query of its day fails",
    "move it away; versioning keeps it for seven days",
    _MOVE_AWAY,
)
LINES = Check(
    "lines",
    "the last 24 h in Athena: lines of each app that has objects, and no object that cannot be read",
    (Identity.READER,),
    (LINES_INVISIBLE, OBJECT_UNREADABLE),
)

LINES_LOST = Fault(
    "lines-lost",
    "{app}: Logplex or log-shuttle dropped {lines} since yesterday",
    "see when; while the receiver was well, it was Heroku's buffer",
    "python -m runbook query lines-lost --app {app} --last 48h",
)
LOSSES = Check(
    "losses",
    "reports of lost lines (L10, L12, L13) since yesterday, 00:00 UTC: none",
    (Identity.READER,),
    (LINES_LOST,),
)

ALARM_FIRING = Fault(
    "alarm-firing",
    "the alarm {alarm} fires: {reason}",
    "see since when",
    "aws cloudwatch describe-alarm-history --alarm-name {alarm} --history-item-type StateUpdate --max-items 5 "
    "--region {region}",
)
ALARMS = Check("alarms", "the stack's alarms: none fires", (Identity.BREAK_GLASS,), (ALARM_FIRING,))

# The way of a line, from the app to the answer.
CHECKS = (
    DRAINS, ENDPOINT, PARAMETERS, QUEUES,
    OBJECTS, LAYOUT, BUCKET,
    WRITER, READER,
    CATALOG, WORKGROUP, LINES, LOSSES, ALARMS,
)  # fmt: skip
