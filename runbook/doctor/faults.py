"""The doctor's checks and the faults that they can find: one table for `doctor --list` and the docs. Pure.

In a fault's texts, placeholders such as `{app}` stand for values of the finding or outputs of the stack.
"""

from dataclasses import dataclass
from enum import StrEnum

from contract import access_log, buffer_table, canary, names

_UPDATE = "pulumi up --refresh --stack {stack}"
# The last six hours; the CLI takes milliseconds.
_SINCE = '--start-time "$(( ($(date +%s) - 21600) * 1000 ))" --region {region}'


def _function_log(function: str) -> str:
    """Give the command for a function's faults, which it logs as JSON with the level ERROR.

    Lambda reports a function that cannot start, times out or runs out of memory as plain text ("Troubleshoot execution
    issues in Lambda"), which no JSON pattern matches.
    """
    return (
        f"aws logs filter-log-events --log-group-name {names.function_log_group(function)} "
        '--filter-pattern \'?ERROR ?"timed out" ?"Runtime exited"\' ' + _SINCE
    )


_RECEIVER_LOG, _FLUSHER_LOG = _function_log("{receiver}"), _function_log("{flusher}")
_ACCESS_LOG = (
    f"aws logs filter-log-events --log-group-name {names.access_log_group('{namePrefix}')} "
    f"--filter-pattern '{access_log.filter_pattern('= {status}')}' " + _SINCE
)
_CONCURRENCY_QUOTA = "L-B99A9384"  # "Concurrent executions" in Service Quotas
_MOVE_AWAY = "aws s3 mv {url} . --region {region}"
_REWRITE = "deploy the stack, which restores it"


class Identity(StrEnum):
    """Whose permissions a check needs."""

    READER = "reader"  # the reader role
    BREAK_GLASS = "break-glass"  # the operator, who can read secrets and AWS settings
    HEROKU = "Heroku key"


IDENTITIES = {
    Identity.READER: "the reader role with --assume, otherwise your own credentials",
    Identity.BREAK_GLASS: "your own credentials, which must allow reading secrets and AWS settings",
    Identity.HEROKU: "HEROKU_API_KEY or the Heroku CLI's login, of a member who can see the apps' drains",
}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: what was found, the remedy, and the command for it."""

    code: str
    found: str
    remedy: str
    command: str


@dataclass(frozen=True)
class Check:
    """What a check looks at, whose permissions it needs, and which faults it can find."""

    name: str
    looks_at: str
    identities: tuple[Identity, ...]
    faults: tuple[Fault, ...]


# ---------------------------------------------------------------- from Heroku to the receiver

DRAIN_MISSING = Fault(
    "drain-missing",
    "{app} has no drain to this stack; other drains: {others}",
    "its logs are not being archived; register its drain",
    "hla start --app {app}",
)
DRAIN_REFUSED = Fault(
    "drain-refused",
    "{app}'s drain {id} has a token that the receiver refuses, and Heroku drops refused batches",
    "register the right drain, then remove this one",
    "hla start --app {app} && heroku drains:remove {id} --app {app}",
)
DRAIN_NOT_ROTATED = Fault(
    "drain-not-rotated",
    "{app}'s drain {id} has a token of another generation, which the next rotation invalidates",
    "finish the rotation",
    "pulumi up --stack {stack}",
)
DRAIN_DOUBLED = Fault(
    "drain-doubled",
    "{app} has a second drain to this stack, {id}, with {token}",
    "every line is stored once per drain, so twice, unless the token is refused; remove it",
    "heroku drains:remove {id} --app {app}",
)
DRAIN_DESPITE_STOP = Fault(
    "drain-despite-stop",
    "{app} has drain {id} to this stack, although drainsEnabled is false",
    "stop it, or set drainsEnabled to true",
    "hla stop --app {app}",
)
DRAINS = Check(
    "drains",
    "the drains of each app at Heroku: one to this stack, with the current token",
    (Identity.HEROKU, Identity.READER),
    (DRAIN_MISSING, DRAIN_REFUSED, DRAIN_NOT_ROTATED, DRAIN_DOUBLED, DRAIN_DESPITE_STOP),
)

ENDPOINT_UNREACHABLE = Fault(
    "endpoint-unreachable",
    "the endpoint does not respond: {reason}",
    "check that its API exists; if it does, check your network and the receiver's log",
    "aws apigatewayv2 get-apis --query 'Items[].[Name,ApiEndpoint]' --output text --region {region}",
)
# API Gateway's own responses have a JSON message; the receiver's responses are empty.
RECEIVER_FAILS = Fault(
    "receiver-fails",
    "{app}: the receiver responds {status}, not 200, to an empty batch with the app's own token",
    "read the receiver's log",
    _RECEIVER_LOG,
)
GATEWAY_FAILS = Fault(
    "gateway-fails",
    "{app}: API Gateway itself responds {status}: it got no response from the receiver, whose log may be empty",
    "read integrationError in API Gateway's access log: a missing permission to call the function (run pulumi up "
    "--refresh), a throttled function (raise its concurrency or the account's), or a failed one (see its log)",
    _ACCESS_LOG,
)
GATEWAY_THROTTLES = Fault(
    "gateway-throttles",
    "{app}: API Gateway throttles the drains (429); Logplex tries a batch three times without a pause, then drops it",
    "find the heavy sender in the access log, which may not contain every 429; the account's limit applies too",
    _ACCESS_LOG,
)
ROUTE_MISSING = Fault(
    "route-missing",
    "{app}: API Gateway responds 404: the drain's route or stage does not exist, and Heroku drops refused batches",
    "deploy the stack, which creates them again",
    _UPDATE,
)
ENDPOINT_FORBIDDEN = Fault(
    "endpoint-forbidden",
    "{app}: an empty batch gets a 403, which neither the receiver nor this stack's API sends",
    "check for a proxy between you and AWS; if there is none, somebody changed the API: deploy the stack",
    _UPDATE,
)
TOKEN_REFUSED = Fault(
    "token-refused",
    "{app}: the token in SSM gets a 401, so Heroku drops the app's lines",
    "compare the function's keys and apps with the stack's",
    "aws lambda get-function-configuration --function-name {receiver} --query Environment.Variables --region {region}",
)
ENDPOINT_OPEN = Fault(
    "endpoint-open",
    "a wrong token gets a {status}, not a 401",
    "anybody may be able to write lines; stop the drains, then deploy the receiver again",
    "hla stop",
)
ENDPOINT_SLOW = Fault(
    "endpoint-slow",
    "{app}: an empty batch took {seconds} s, and Logplex waits 5 s",
    "read the receiver's log, which says whether it waited for AWS; otherwise the function was starting",
    _RECEIVER_LOG,
)
ENDPOINT = Check(
    "endpoint",
    "the drain endpoint: accepts an empty batch with each app's token in time, refuses a wrong token",
    (Identity.BREAK_GLASS,),
    (
        ENDPOINT_UNREACHABLE, RECEIVER_FAILS, GATEWAY_FAILS, GATEWAY_THROTTLES, ROUTE_MISSING, ENDPOINT_FORBIDDEN,
        TOKEN_REFUSED, ENDPOINT_OPEN, ENDPOINT_SLOW,
    ),
)  # fmt: skip

PARAMETER_MISSING = Fault("parameter-missing", "the SSM parameter {name} does not exist", _REWRITE, _UPDATE)
PARAMETER_DIFFERS = Fault("parameter-differs", "the SSM parameter {name} {difference}", _REWRITE, _UPDATE)
PARAMETERS = Check(
    "parameters",
    "SSM: all parameters exist and match the stack, and drain URLs have the current token",
    (Identity.READER, Identity.BREAK_GLASS),
    (PARAMETER_MISSING, PARAMETER_DIFFERS),
)

BATCHES_WAITING = Fault(
    "batches-waiting",
    "{batches} in the spill queue, because the buffer did not accept them in time",
    "no action is needed if the number falls: the flusher drains the queue every minute; its log says what stops it",
    _FLUSHER_LOG,
)
DEAD_LETTERS = Fault(
    "dead-letters",
    "{batches} in the dead-letter queue: nothing retries them, and SQS deletes them 14 days after they were first sent",
    "follow docs/deploy.md on dead letters, then move them back",
    "aws sqs start-message-move-task --source-arn {arn} --region {region}",
)
QUEUES = Check(
    "queues",
    "the spill queue and the dead-letter queue: both empty",
    (Identity.BREAK_GLASS,),
    (BATCHES_WAITING, DEAD_LETTERS),
)

# ---------------------------------------------------------------- the buffer

BUFFER_MISSING = Fault(
    "buffer-missing",
    "the DynamoDB table {buffer} does not exist: batches go to the spill queue",
    "deploy the stack, which creates it again; batches that were in it are lost",
    _UPDATE,
)
BUFFER_DIFFERS = Fault("buffer-differs", "the DynamoDB table {buffer} {difference}", _REWRITE, _UPDATE)
BUFFER_BEHIND = Fault(
    "buffer-behind",
    "{app}: the flusher is {age} behind: {what}",
    f"flush it; if that fails, it says why. Nothing is lost for {buffer_table.KEPT_DAYS} days",
    "hla flush",
)
BUFFER = Check(
    "buffer",
    "the buffer: the table's keys and expiry as declared; every slot and late batch is flushed within ten minutes",
    (Identity.READER, Identity.BREAK_GLASS),
    (BUFFER_MISSING, BUFFER_DIFFERS, BUFFER_BEHIND),
)

_STAYS = f"the buffer keeps batches for {buffer_table.KEPT_DAYS} days"
FLUSHER_MISSING = Fault(
    "flusher-missing",
    "the function {flusher} does not exist: nothing gets from the buffer into the archive",
    f"deploy the stack, which creates it again; {_STAYS}",
    _UPDATE,
)
FLUSHER_INACTIVE = Fault(
    "flusher-inactive",
    "the function {flusher} cannot run: it is {state}, {reason}",
    f"fix the reason, or deploy the stack; {_STAYS}",
    _UPDATE,
)
SCHEDULE_OFF = Fault(
    "schedule-off",
    f"the flusher's schedule {{flusher}}/{names.FLUSHER_SCHEDULE} {{difference}}: nothing runs the flusher",
    f"deploy the stack, which restores it, then flush; {_STAYS}",
    f"{_UPDATE} && hla flush",
)
FLUSHER = Check(
    "flusher",
    "the flusher: its function is active, and its schedule is enabled and invokes it",
    (Identity.BREAK_GLASS,),
    (FLUSHER_MISSING, FLUSHER_INACTIVE, SCHEDULE_OFF),
)

# ---------------------------------------------------------------- the account

CONCURRENCY_SMALL = Fault(
    "concurrency-small",
    "the account runs at most {limit} Lambda functions at a time, as AWS begins new accounts: when all are busy, the "
    "endpoint answers 503 and batches are lost",
    "ask AWS for 1,000, which costs nothing",
    f"aws service-quotas request-service-quota-increase --service-code lambda --quota-code {_CONCURRENCY_QUOTA} "
    "--desired-value 1000 --region {region}",
)
ACCOUNT = Check(
    "account",
    "how many Lambda functions the account may run at a time: more than the 10 of a new account",
    (Identity.READER,),
    (CONCURRENCY_SMALL,),
)

# ---------------------------------------------------------------- the canary

CANARY_MISSING = Fault(
    "canary-missing",
    "the function {function} does not exist: nothing tests the drain endpoint",
    "deploy the stack, which creates it again",
    _UPDATE,
)
CANARY_INACTIVE = Fault(
    "canary-inactive",
    "the function {function} cannot run: it is {state}, {reason}",
    "fix the reason, or deploy the stack",
    _UPDATE,
)
CANARY_SCHEDULE_OFF = Fault(
    "canary-schedule-off",
    f"the canary's schedule {{function}}/{names.CANARY_SCHEDULE} {{difference}}: nothing tests the drain endpoint",
    _REWRITE,
    _UPDATE,
)
DIGESTER_MISSING = Fault(
    "digester-missing",
    "the function {function} does not exist: nobody records what is written to the archive",
    "deploy the stack, which creates it again",
    _UPDATE,
)
DIGESTER_INACTIVE = Fault(
    "digester-inactive",
    "the function {function} cannot run: it is {state}, {reason}",
    "fix the reason, or deploy the stack",
    _UPDATE,
)
DIGESTER_SCHEDULE_OFF = Fault(
    "digester-schedule-off",
    f"the digester's schedule {{function}}/{names.DIGESTER_SCHEDULE} {{difference}}: nobody records what is written to "
    "the archive",
    _REWRITE,
    _UPDATE,
)
DIGEST_OVERDUE = Fault(
    "digest-overdue",
    "{newest}, and one is made every hour: logs that are deleted or changed now would not show",
    "look at the other findings; the digester's log says why it fails",
    _function_log("{function}"),
)
DIGESTS = Check(
    "digests",
    "the digester: its function is active, its schedule is enabled, and the newest digest is at most three hours old",
    (Identity.READER, Identity.BREAK_GLASS),
    (DIGESTER_MISSING, DIGESTER_INACTIVE, DIGESTER_SCHEDULE_OFF, DIGEST_OVERDUE),
)
CANARY_OVERDUE = Fault(
    "canary-overdue",
    f"{{app}}: {{newest}}, and one is sent every {canary.EVERY_MINUTES} minutes: its lines may not arrive, either",
    "look at the other findings; the canary's log says how the endpoint responded",
    _function_log("{function}"),
)
CANARY = Check(
    "canary",
    "the canary: its function is active, its schedule is enabled, and the newest canary of each app has arrived",
    (Identity.READER, Identity.BREAK_GLASS),
    (CANARY_MISSING, CANARY_INACTIVE, CANARY_SCHEDULE_OFF, CANARY_OVERDUE),
)

# ---------------------------------------------------------------- the archive

APP_SILENT = Fault(
    "app-silent",
    "{app} has sent no line for {age}, and its limit is {hours} h; {canary}",
    "check that the app runs and logs; if it does, look at its drain and at the other findings",
    "heroku logs --app {app} --num 20",
)
OBJECTS_OLD = Fault(
    "objects-old",
    f"{{app}}: {{newest}}, and canaries alone make one every {canary.EVERY_MINUTES} minutes",
    "nothing is stored: look at the other findings, then flush",
    "hla flush",
)
OBJECTS = Check(
    "objects",
    "the newest object of each app, and since when the app itself is silent: within its limit of silence",
    (Identity.READER,),
    (APP_SILENT, OBJECTS_OLD),
)

APP_UNKNOWN = Fault(
    "app-unknown",
    "there are objects under {url}, but the table does not have this app: no query finds them",
    "add the app to `apps` or `retiredApps`, or move the objects away",
    "aws s3 ls --recursive --summarize {url} --region {region}",
)
DAY_UNKNOWN = Fault(
    "day-unknown",
    "there are objects under {url}, which is not a year, month or day of the table: no query finds them",
    "move them away",
    "aws s3 mv --recursive {url} . --region {region}",
)
OBJECT_FOREIGN = Fault(
    "object-foreign",
    "{url} was not written by the receiver: its lines are wrong, or every query of its day fails",
    "move it away; versioning keeps it for 30 days",
    _MOVE_AWAY,
)
LAYOUT = Check(
    "layout",
    "the objects under logs/: only apps and days of the table; for today and yesterday, only the receiver's objects",
    (Identity.READER,),
    (APP_UNKNOWN, DAY_UNKNOWN, OBJECT_FOREIGN),
)

POLICY_DIFFERS = Fault("policy-differs", "the bucket policy {difference}", _REWRITE, _UPDATE)
LIFECYCLE_DIFFERS = Fault("lifecycle-differs", "the bucket's lifecycle {difference}", _REWRITE, _UPDATE)
BUCKET_OPEN = Fault("bucket-open", "the bucket does not block all public access", _REWRITE, _UPDATE)
VERSIONING_OFF = Fault(
    "versioning-off", "versioning of the bucket is off: deleted objects cannot be recovered", _REWRITE, _UPDATE
)
BUCKET = Check(
    "bucket",
    "the bucket's policy, lifecycle, public access block and versioning: as this version declares them",
    (Identity.BREAK_GLASS,),
    (POLICY_DIFFERS, LIFECYCLE_DIFFERS, BUCKET_OPEN, VERSIONING_OFF),
)

# ---------------------------------------------------------------- permissions

WRITER_MAY_NOT = Fault(
    "writer-may-not", "the writer user is not allowed to put log objects ({decision})", _REWRITE, _UPDATE
)
WRITER_MAY_MORE = Fault(
    "writer-may-more",
    "the writer user is allowed to {action} on {resource}",
    "find the policy that allows it, and remove it",
    "aws iam list-user-policies --user-name {user} && aws iam list-attached-user-policies --user-name {user} "
    "&& aws iam list-groups-for-user --user-name {user}",
)
WRITER_MAY_HALF = Fault(
    "writer-may-half",
    "the writer user is allowed to {allowed}, but not to {missing}: a receiver outside Lambda needs all of them",
    "deploy the stack: with writerRunsReceiver it allows all of them, without it none",
    _UPDATE,
)
WRITER = Check(
    "writer",
    "the writer user: may put log objects, may do all or none of what a receiver outside Lambda does, and nothing else",
    (Identity.BREAK_GLASS,),
    (WRITER_MAY_NOT, WRITER_MAY_MORE, WRITER_MAY_HALF),
)

READER_MISSING = Fault("reader-missing", "the role {role} does not exist", _REWRITE, _UPDATE)
READER_ORPHANED = Fault(
    "reader-orphaned",
    "the role {role} trusts {principal}, a deleted principal: nobody can assume the role",
    "deploy the stack, which looks up the break-glass principals again",
    _UPDATE,
)
READER_REFUSED = Fault(
    "reader-refused",
    "the reader role trusts you, but you cannot assume it: {reason}",
    "find what denies it: your own policies, a permissions boundary, or the organization",
    "aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument",
)
READER = Check(
    "reader",
    "the reader role and the restorer role: exist and trust existing principals; the first can be assumed",
    (Identity.BREAK_GLASS,),
    (READER_MISSING, READER_ORPHANED, READER_REFUSED),
)

# ---------------------------------------------------------------- queries

TABLE_MISSING = Fault("table-missing", "the Glue table {name} does not exist", _REWRITE, _UPDATE)
TABLE_DIFFERS = Fault("table-differs", "{name} differs from this version's declaration: {parts}", _REWRITE, _UPDATE)
VIEW_WITHOUT_SERDE = Fault(
    "view-without-serde",
    'the view {name} has no SerDe in Glue: every query of it fails, "Table storage descriptor is missing SerDe info"',
    _REWRITE,
    _UPDATE,
)
VIEW_STALE = Fault(
    "view-stale",
    "Athena says that the view {name} is stale, although it is as declared: {reason}",
    "delete the view, which contains no data, and deploy the stack, which creates it again",
    "aws glue delete-table --database-name {database} --name {view} --region {region} && " + _UPDATE,
)
VIEW_FAILS = Fault(
    "view-fails",
    "Athena cannot query the view {name}, although it is as declared: {reason}",
    "query the table; if that works, the cause is in the view's SQL",
    "hla sql \"SELECT * FROM {table} WHERE year = '{year}' AND month = '{month}' AND day = '{day}' LIMIT 5\"",
)
CATALOG = Check(
    "catalog",
    "table and view in Glue: columns, row pattern, projection, SerDe and the view's SQL as declared; Athena can query "
    "the view",
    (Identity.READER,),
    (TABLE_MISSING, TABLE_DIFFERS, VIEW_WITHOUT_SERDE, VIEW_STALE, VIEW_FAILS),
)

WORKGROUP_DIFFERS = Fault("workgroup-differs", "the workgroup {workgroup} {difference}", _REWRITE, _UPDATE)
WORKGROUP = Check(
    "workgroup",
    "the Athena workgroup: enabled, with a limit on bytes scanned that no client can override",
    (Identity.READER,),
    (WORKGROUP_DIFFERS,),
)

LINES_INVISIBLE = Fault(
    "lines-invisible",
    "{app}: {objects} in the last 24 h, but no lines in Athena",
    "see which columns of the table are empty",
    "hla sql \"SELECT * FROM {table} WHERE app = '{app}' AND year = '{year}' AND month = '{month}' "
    "AND day = '{day}' LIMIT 5\"",
)
OBJECT_ARCHIVED = Fault(
    "object-archived",
    "Athena cannot read {url}, because it is archived: every query of its day fails",
    "restore its day; if it is in Intelligent-Tiering, use aws s3api restore-object without Days instead",
    "hla restore --app {app} --from {day} --to {next_day}",
)
OBJECT_UNREADABLE = Fault(
    "object-unreadable",
    "{url} is not valid gzip ({reason}): every query of its day fails",
    "move it away; versioning keeps it for 30 days",
    _MOVE_AWAY,
)
LINES = Check(
    "lines",
    "the last 24 h in Athena: lines of each app that has objects, and no unreadable object",
    (Identity.READER,),
    (LINES_INVISIBLE, OBJECT_ARCHIVED, OBJECT_UNREADABLE),
)

LINES_LOST = Fault(
    "lines-lost",
    "{app}: Logplex or log-shuttle dropped {lines} on the way to this stack since yesterday",
    "see when; if the receiver was healthy then, Heroku's buffer overflowed",
    "hla query lines-lost --app {app} --last 48h",
)
LOSSES = Check(
    "losses",
    "reports of lost lines (L10, L12, L13) since yesterday, 00:00 UTC: none but those of an app's other drains",
    (Identity.READER, Identity.HEROKU),
    (LINES_LOST,),
)

# ---------------------------------------------------------------- the watch

_QUEUE_URL = "aws sqs get-queue-url --queue-name {queue} --query QueueUrl --output text --region {region}"
LOGS_DELETED = Fault(
    "logs-deleted",
    "somebody deleted logs: {objects}, the newest {url} at {time}, by {who} from {address}",
    "find out who and why, and undo it within 30 days; RUNBOOK.md says how, and how to end this finding and its alarm",
    f'aws sqs receive-message --queue-url "$({_QUEUE_URL})" --max-number-of-messages 10 --visibility-timeout 0 '
    "--wait-time-seconds 1 --query 'Messages[].Body' --region {region}",
)
DELETIONS_UNSEEN = Fault(
    "deletions-unseen", "S3 does not tell the queue {queue} of deleted logs: nobody hears of them", _REWRITE, _UPDATE
)
DELETIONS = Check(
    "deletions",
    "the queue that S3 tells of deleted logs: is told, and nobody deleted any in the last 14 days",
    (Identity.BREAK_GLASS,),
    (LOGS_DELETED, DELETIONS_UNSEEN),
)

ALARM_FIRING = Fault(
    "alarm-firing",
    "the alarm {alarm} is in ALARM: {reason}",
    "docs/reference/alarms.md says what it means and what to run; see since when",
    "aws cloudwatch describe-alarm-history --alarm-name {alarm} --history-item-type StateUpdate --max-items 5 "
    "--region {region}",
)
ALARM_MISSING = Fault("alarm-missing", "the alarm {alarm} does not exist", _REWRITE, _UPDATE)
ALARM_DIFFERS = Fault(
    "alarm-differs", "the alarm {alarm} differs from this version's declaration: {parts}", _REWRITE, _UPDATE
)
ALARM_DISARMED = Fault(
    "alarm-disarmed",
    "the actions of the alarm {alarm} are disabled: it tells nobody",
    "enable them, unless somebody is at work and disabled them on purpose",
    "aws cloudwatch enable-alarm-actions --alarm-names {alarm} --region {region}",
)
NOBODY_TOLD = Fault(
    "nobody-told",
    "nobody has subscribed to the topic {alarmTopicArn}: alarms and budget tell nobody",
    "set alarmEmail, if it is not set; the command subscribes the address again, and sends it a link to confirm",
    _UPDATE,
)
SUBSCRIPTION_PENDING = Fault(
    "subscription-pending",
    "{endpoint} has not confirmed its subscription to the alarms, so it gets none",
    "open the link in SNS's e-mail, which is valid for two days; the command sends another one",
    "aws sns subscribe --topic-arn {alarmTopicArn} --protocol {protocol} --notification-endpoint {endpoint} "
    "--region {region}",
)
DASHBOARD_MISSING = Fault("dashboard-missing", "the dashboard {name} does not exist", _REWRITE, _UPDATE)
BUDGET_DIFFERS = Fault("budget-differs", "the budget {name} {difference}", _REWRITE, _UPDATE)
ALARMS = Check(
    "alarms",
    "the watch: alarms as declared, armed and not in ALARM; confirmed subscriptions; dashboard and budget",
    (Identity.BREAK_GLASS,),
    (
        ALARM_FIRING, ALARM_MISSING, ALARM_DIFFERS, ALARM_DISARMED, NOBODY_TOLD, SUBSCRIPTION_PENDING,
        DASHBOARD_MISSING, BUDGET_DIFFERS,
    ),
)  # fmt: skip

# In the order in which a line passes them, from the app to the query; then what watches all of it.
CHECKS = (
    DRAINS, ENDPOINT, PARAMETERS, QUEUES, BUFFER, FLUSHER, ACCOUNT, CANARY,
    OBJECTS, LAYOUT, BUCKET,
    WRITER, READER,
    CATALOG, WORKGROUP, LINES, LOSSES,
    DELETIONS, DIGESTS, ALARMS,
)  # fmt: skip
