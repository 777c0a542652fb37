"""RUNBOOK.md is of today's stack and today's code, whole, and of no stack but the one whose outputs it was given."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from contract import alarms, lifecycle
from contract.alarms import Watched
from contract.outputs import MEANINGS, Outputs
from contract.saved_queries import saved_queries
from local.pulumi import preview
from runbook import prices
from runbook.document.runbook import render
from runbook.errors import RunbookError
from tests.support.recording_monitor import run
from tests.support.runbook_document import PATH, blocks, outputs_of

RUNBOOK = PATH.read_text(encoding="utf-8")
RENEW = "renew it with: make runbook"


def parsed(values: dict[str, Any]) -> Outputs:
    return Outputs.parse(json.dumps(values), "the test")


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    """What a deployment of Pulumi.prod.yaml has."""
    return run().outputs


@pytest.fixture(scope="module")
def other() -> Outputs:
    """A stack with other values than production has, each of them."""
    return Outputs(
        bucket="acme-archive",
        endpoint="https://x1y2z3.execute-api.eu-west-3.amazonaws.com/live/drain",
        reader_role_arn="arn:aws-cn:iam::210987654321:role/acme-reader",
        restorer_role_arn="arn:aws-cn:iam::210987654321:role/acme-thaw",
        writer_user_arn="arn:aws-cn:iam::210987654321:user/acme-writer",
        break_glass_arns=("arn:aws-cn:iam::210987654321:role/acme-glass",),
        deployer_arns=("arn:aws-cn:iam::210987654321:role/acme-deploys",),
        workgroup="acme-questions",
        database="acme",
        table="every_line",
        view="router_requests",
        apps=("acme-shop", "acme-mail"),
        retired_apps=("acme-fax",),
        parameter_prefix="/acme/",
        spill_queue="https://sqs.eu-west-3.amazonaws.com/210987654321/acme-waiting",
        dead_letter_queue="https://sqs.eu-west-3.amazonaws.com/210987654321/acme-dead",
        buffer="acme-waiting-room",
        flusher="acme-cleaner",
        flush_minutes=12,
        receiver="acme-function",
        name_prefix="acme-names",
        region="eu-west-3",
        project="acme-logs",
        stack="live",
        drains_enabled=False,
        archive_after_days=41,
        expire_after_days=407,
        results_expire_after_days=13,
        silence_hours=7,
        silence_hours_by_app={"acme-mail": 11},
        alarm_topic_arn="arn:aws-cn:sns:eu-west-3:210987654321:acme-loud",
        dashboard="https://eu-west-3.console.amazonaws.cn/acme-board",
        budget_usd=1234,
    )


# ---------------------------------------------------------------- stale or not


def test_it_is_what_its_own_outputs_give() -> None:
    """Queries, prices or the template have changed otherwise."""
    assert render(outputs_of(RUNBOOK)) == RUNBOOK, RENEW


def test_it_is_of_the_stack_that_the_settings_declare(production: dict[str, Any]) -> None:
    """In all but what only a deployment knows."""

    def known(values: Any) -> str:
        text = json.dumps(values, sort_keys=True)
        text = re.sub(rf"(?<=[:/])(?:\d{{12}}|{preview.ACCOUNT_ID})(?=[:/])", "ACCOUNT", text)
        return re.sub(rf"(?<=https://)(?:\w+|{preview.API_ID})(?=\.execute-api\.)", "API", text)

    assert known(asdict(outputs_of(RUNBOOK))) == known(asdict(parsed(production))), RENEW


def test_what_is_planned_is_what_a_deployment_has(production: dict[str, Any]) -> None:
    """`python -m local outputs` prints all outputs, with two unknowns and no other."""
    text = json.dumps(preview.outputs("prod"), sort_keys=True)
    deployed = text.replace(preview.ACCOUNT_ID, "123456789012").replace(preview.API_ID, "a1b2c3d4e5")
    assert json.loads(deployed) == production
    assert json.loads(text).keys() == MEANINGS.keys()


def test_what_is_planned_follows_the_settings() -> None:
    changed = preview.outputs("prod", {"aws:region": "eu-west-3", "bucketName": "another-bucket", "silenceHours": "9"})
    assert (changed["region"], changed["bucket"], changed["silenceHours"]) == ("eu-west-3", "another-bucket", 9)
    assert ".eu-west-3." in changed["endpoint"]


# ---------------------------------------------------------------- of one stack only


def test_every_name_and_number_is_the_stacks_own(other: Outputs) -> None:
    """What a person is called, and what was there before this stack, is in the template."""
    text = render(other)
    undo = (f"within {lifecycle.UNDO_DAYS} days", f"versions for {lifecycle.UNDO_DAYS} days")
    for mine in ("ops@raxx.app", "raxx-new-prod", "router_requests", "valid syslog", "invalid syslog line", *undo):
        text = text.replace(mine, "")
    ours = asdict(outputs_of(RUNBOOK))
    names = [value for value in ours.values() if isinstance(value, str)] + [*ours["apps"], "raxx"]
    assert [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)] == ["us-east-1"]
    assert f"({prices.REGION})" in text, "prices are of one region"
    numbers = [f"{ours[key]} days" for key in ours if key.endswith("_days")]
    numbers += [f"{ours['silence_hours']} hours", f"${ours['budget_usd']}", "123456789012", "arn:aws:"]
    assert [number for number in numbers if re.search(rf"(?<!\d){re.escape(number)}", text)] == []


def test_every_output_is_used(other: Outputs) -> None:
    text = render(other).rpartition("<!-- outputs")[0]
    said = {key: value[-1] if isinstance(value, tuple) else str(value) for key, value in asdict(other).items()}
    in_part = {"reader_role_arn", "restorer_role_arn", "writer_user_arn", "spill_queue", "dead_letter_queue"}
    said |= {key: said[key].rpartition("/")[2] for key in in_part}
    said["alarm_topic_arn"] = said["alarm_topic_arn"].rpartition(":")[2]
    # What these change has tests of its own.
    del said["drains_enabled"], said["silence_hours_by_app"]
    assert [key for key, value in said.items() if value not in text] == []


def test_drains_that_are_stopped_are_told_first(other: Outputs) -> None:
    assert "The drains are stopped" in render(other)[:500]
    assert "The drains are stopped" not in render(replace(other, drains_enabled=True))


def test_a_stack_that_the_runbook_does_not_find_by_itself_says_how(other: Outputs) -> None:
    """Its commands would otherwise be about production."""
    first_block = render(other).split("```")[1]
    assert f"\nexport HLA_PREFIX=/acme/ HLA_ROLE=acme-reader PULUMI_STACK={other.stack}\n" in first_block


def alarms_of(outputs: Outputs) -> str:
    """The section, in one line."""
    section = render(outputs).partition("\n## Alarms\n")[2].partition("\n### ")[0]
    return " ".join(section.split())


def test_each_alarm_is_told_with_its_command(other: Outputs) -> None:
    started = replace(other, drains_enabled=True)
    section = alarms_of(started)
    rows = dict(re.findall(r"- `([\w-]+)`: .+? `hla ([^`]+)`(?= -|$)", section))
    assert rows == {alarm.name: alarm.arguments for alarm in alarms.alarms(Watched.of(started))}
    assert "acme-shop has sent no line for 7 h" in section
    assert "acme-mail has sent no line for 11 h" in section
    assert "no alarm tells that an app is silent" not in section


def test_a_stopped_stack_has_no_alarm_of_silence(other: Outputs) -> None:
    section = alarms_of(other)
    assert "no alarm tells that an app is silent" in section
    assert "has sent no line" not in section


def test_who_is_in_trouble_is_told_by_alarms_that_exist(other: Outputs) -> None:
    escalation = render(other).partition("\n## Escalation\n")[2]
    named = set(re.findall(r"`([a-z-]+)`", escalation)) - {"acme-names-monthly"}
    assert named
    assert named <= {alarm.name for alarm in alarms.alarms(Watched.of(other))}


def test_what_only_a_deployment_knows_is_told_until_it_is_known(other: Outputs) -> None:
    told = f"`{preview.API_ID}` is known once the stack is deployed"
    assert told not in render(other)
    planned_ = render(parsed(preview.outputs("prod")))
    assert told in planned_
    # Nor need anybody put them in before a command can be pasted.
    assert not [block for block in blocks(planned_) if block.kind == "sh" and "-id>" in block.text]


@pytest.mark.parametrize("path", ["-->", "<!--outputs", "%3e"])
def test_outputs_are_read_back_whatever_they_hold(other: Outputs, path: str) -> None:
    odd = replace(other, endpoint=f"https://example.com/{path}")
    text = render(odd)
    assert outputs_of(text) == odd
    assert text.rpartition("<!-- outputs\n")[2].count(">") == 1


def test_a_document_without_outputs_is_refused() -> None:
    with pytest.raises(RunbookError, match="the runbook is not valid JSON"):
        outputs_of("# A title\n")


# ---------------------------------------------------------------- whole


def test_every_saved_query_is_there() -> None:
    told = " ".join(RUNBOOK.split())
    for query in saved_queries():
        section = told.partition(f" ### {query.name} ")[2].partition(" ### ")[0]
        assert f"hla --assume query {query.name}" in section
        assert f"Expected columns: {', '.join(f'`{column}`' for column in query.columns)}." in section
        assert query.tip in section


def test_the_sql_of_the_saved_queries_is_on_a_page_of_its_own() -> None:
    """As it is saved; the runbook has a link, and can be read without."""
    page = (PATH.parent / "docs" / "reference" / "queries.md").read_text(encoding="utf-8")
    saved = [query.on_table("raxx_heroku_logs", "syslog").sql for query in saved_queries()]
    assert [block.text for block in blocks(page) if block.kind == "sql"] == saved
    assert "](docs/reference/queries.md)" in RUNBOOK
    assert [block for block in blocks(RUNBOOK) if block.kind == "sql"] == []


def test_what_the_first_runbook_referred_to_is_there() -> None:
    overview = RUNBOOK.partition("\n## Overview\n")[2].partition("\n## ")[0]
    assert re.search(r"^\| Last reviewed \| \d{4}-\d\d-\d\d, ", overview, re.MULTILINE)
    assert "| Issue | #3450 |" in overview
    assert "Sentry" in RUNBOOK.partition("\n### recent-deploys\n")[2].partition("\n### ")[0]


# ---------------------------------------------------------------- placeholders and width


def code_of(text: str) -> list[str]:
    fenced = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    return [*fenced.findall(text), *re.findall(r"`([^`\n]+)`", fenced.sub("", text))]


DOCUMENT = re.sub(r"<!--.*?-->", "", RUNBOOK, flags=re.DOTALL)


def test_every_placeholder_is_in_angle_brackets_and_in_code() -> None:
    code = code_of(DOCUMENT)
    found = {name for text in code for name in re.findall(r"<([a-z_-]+)>", text)}
    assert found >= {"app", "check"}
    # The address of the console has the account's id, which is known after a deployment.
    prose = re.sub(r"`[^`]+`|\]\([^)]*\)", "", re.sub(r"^```.*?^```$", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL))
    assert re.findall(r"<[^>]+>", prose) == []
    assert "<in angle brackets>` is a placeholder" in DOCUMENT


def test_no_command_has_another_kind_of_placeholder() -> None:
    """A word in capitals, an ellipsis or a name of nobody, which the shell would take as it stands."""
    commands = [block.text for block in blocks(DOCUMENT)] + [
        text for text in code_of(DOCUMENT) if text.startswith("--")
    ]
    ours = re.compile(r'"[^"]*"')  # SQL, and texts with variables
    odd = re.compile(
        r"…|\.{3}|(?i:\byour\b|\bxxx+\b|\bexample\b)|--(?!select COUNT)[\w-]+[ =][A-Z_]{2,}(?=$|\s)", re.MULTILINE
    )
    assert [text for text in commands if odd.search(ours.sub("", text))] == []


def test_a_block_runs_before_its_values_are_changed() -> None:
    """Only commands within the text have placeholders, and all blocks with an example begin with it."""
    fenced = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert [text for text in fenced if re.search(r"<[a-z_-]+>", text)] == []
    examples = re.compile(r"2026-\d\d-\d\d|2026/\d\d/\d\d|[0-9a-f]{8}-[0-9a-f-]{27}")
    for text in fenced:
        later = re.sub(r"\A(?:\w+=.*\n)+", "", text)
        assert examples.findall(later) == []


def test_it_can_be_read_in_a_terminal() -> None:
    """Of 120 columns. What has a long name or address stays on one line, and code is pasted."""
    text = re.sub(r"^```.*?^```$", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if "://" not in line]
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []
    # Without the targets of links, which less shows, too.
    assert [line for line in lines if len(re.sub(r"\]\([^)]*\)", "]", line)) > 150] == []


def test_every_section_is_in_the_contents() -> None:
    contents = RUNBOOK.partition("**Contents**")[2].partition("\n## ")[0]
    linked = re.findall(r"\]\(#([\w-]+)\)", contents)
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert [link for link in linked if link in anchors] == anchors


def test_the_first_screen_says_what_to_run() -> None:
    """Of a terminal of 40 lines."""
    first = "\n".join(RUNBOOK.splitlines()[:40])
    assert "hla doctor" in first
    assert "#escalation" in first


@pytest.mark.parametrize("block", [block for block in blocks(RUNBOOK) if block.kind != "sql"], ids=lambda b: b.section)
def test_a_block_can_be_pasted_into_any_shell(block: Any) -> None:
    """zsh, which is macOS's, takes a comment for arguments, and ! for history; not every laptop has jq."""
    assert block.kind == "sh"
    assert not re.search(r"(?:^|\s)#|(?<!\\)!(?!=)|\bjq\b|^\$ ", block.text, re.MULTILINE)


def test_nothing_follows_what_asks_or_stops() -> None:
    """Whoever pastes the block that stops must not start again, nor answer a question with the next line."""
    for block in blocks(RUNBOOK):
        asks = re.findall(
            r"hla (?:--assume )?(?:start|stop|restore)\b|heroku drains:\w+|restore-object|pulumi up", block.text
        )
        assert len(asks) <= 1
        if asks and asks[0] not in {"restore-object", "heroku drains:add", "heroku drains:remove"}:
            assert asks[0] in block.text.rstrip("\n").splitlines()[-1]


def test_costs_are_those_of_the_price_list() -> None:
    """10,000 POSTs a day of three lines, and 500 MB a day in POSTs of five, by hand; and the canaries' POSTs."""
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+ \| \$[\d.]+) \|$", RUNBOOK, re.MULTILINE))
    assert rows["Requests to the HTTP API"] == f"$0.31 | ${(500e6 / 235 / 5 + 288) * 30 / 1e6:.2f}"
    assert rows["Transitions to Glacier"] == "$0.78 | $0.78"
    assert rows["Writes of objects and results"] == "$0.13 | $0.13"
    assert rows["`expedited`"].endswith("$10.03")


def test_both_documents_say_the_same_of_a_month() -> None:
    [totals] = re.findall(r"\| \*\*Total\*\* \| \*\*(.*)\*\* \|", RUNBOOK)
    costs = (PATH.parent / "docs" / "cost.md").read_text(encoding="utf-8")
    now = costs.partition("### Now")[2].partition("### Before")[0]
    columns = re.findall(r"\$[\d.,]+", now.partition("| **total** |")[2].partition("\n")[0])
    assert totals.split("** | **") == [columns[0], columns[2]], "pre-launch, and 500 MB at five lines per POST"


# ---------------------------------------------------------------- what AWS does


def test_logs_are_read_from_groups_that_the_stack_creates() -> None:
    created = {group.inputs["name"] for group in run().of_type(":LogGroup")}
    named = [name for block in blocks(RUNBOOK) for name in re.findall(r"--log-group-name (\S+)", block.text)]
    assert set(named) == created


def test_who_meets_a_5xx_is_sent_to_the_access_log_first() -> None:
    """Without the Lambda permission an HTTP API answers 500, and the receiver's log is empty.

    API Gateway developer guide, "Troubleshooting issues with HTTP API Lambda integrations".
    """
    step = RUNBOOK.partition("\n### 4. ")[2].partition("\n### 5. ")[0]
    means = dict(re.findall(r"^\| (.+?) \| (.+) \|$", step, re.MULTILINE))
    [of_500] = [meaning for answer, meaning in means.items() if "500" in answer]
    assert "access log" in of_500
    assert "may call" not in means["403"]
    assert "permission" not in means["403"]
    assert "permission" in step.partition("| `integrationError`")[2].splitlines()[0]
    [command] = re.findall(r"--log-group-name (\S+) \\\n +--filter-pattern '(.+?)'", step)
    fields = "functionStatus, lambdaStatus, ip, requestId, error, integrationError"
    assert command == ("/aws/apigateway/raxx-log-drain", f"[status != 200, {fields}]")


# ---------------------------------------------------------------- the command


def test_outputs_are_piped_in_or_found_as_ever(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, other: Outputs
) -> None:
    import io

    from runbook import cli
    from runbook.session import Session

    document = render(other).rpartition("<!-- outputs\n")[2].removesuffix("\n-->\n")
    (tmp_path / "outputs.json").write_text(document)

    def answer(*arguments: str, stdin: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        assert cli.run(arguments) == 0
        return capfd.readouterr().out

    assert answer("render", stdin=document) == render(other)
    assert answer("--outputs", str(tmp_path / "outputs.json"), "render", stdin="not these") == render(other)
    assert json.loads(answer("render", "--json", stdin=document)) == {"markdown": render(other)}
    assert answer("render", "--to", str(tmp_path / "written.md"), stdin=document) == ""
    assert (tmp_path / "written.md").read_text() == render(other)
    monkeypatch.setattr(Session, "outputs", other)
    assert answer("render", stdin="") == render(other), "nothing is piped in: a job of cron, or a terminal"
