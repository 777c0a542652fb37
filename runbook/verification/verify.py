"""`verify`: compares the archive with the chain of digests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract import lifecycle
from contract.digests import BEGINNING, Entry
from contract.object_keys import LOGS_PREFIX
from contract.window import Window
from runbook.clients import digest_objects
from runbook.errors import RunbookError
from runbook.session import AsJson, Session, session_of
from runbook.terminal import next_command, printing, times
from runbook.verification.chain import Chain, Records, keys_to_read
from runbook.verification.comparison import Counts, Difference, Kind, Rules, compare

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from mypy_boto3_s3 import S3Client

_SHA256_CHARACTERS = 64


@dataclass(frozen=True)
class Verdict:
    """What was found. `problems` are those of the chain and of the head that was given."""

    window: Window
    chain: Chain
    counts: Counts
    problems: list[str]

    @property
    def is_fine(self) -> bool:
        """Whether the archive is what digests say."""
        return not self.problems and not self.counts.differences


def verify(
    ctx: typer.Context,
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    head: Annotated[
        str | None, typer.Option(metavar="SHA256", help="A digest that must be in the chain, from a log or a note.")
    ] = None,
    checksums: Annotated[
        bool, typer.Option("--checksums", help="Ask for the SHA-256 of every object: a request for each.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    r"""Find logs that were deleted, changed or added after they were stored.

    \b
      hla --assume verify --from 2026-11-01 --to 2026-11-30
      hla --assume verify --last 30d --head 5c1e...

    Compares whole UTC days with the digests that record, every hour, what was written. Needs only lists, so it works in
    Glacier too and restores nothing: S3 itself sets the time of an object's last write. Where that differs, S3's own
    SHA-256 of the object decides. Checks the chain of digests from these days up to the newest one: each has the
    SHA-256 of the one before. Only somebody who rewrites the whole chain is not found out by that, but by --head: give
    a SHA-256 that you noted, or one of the digester's log.

    Exit codes: 0 nothing is wrong, 1 something is missing, changed or added, 2 could not tell.
    """
    session, now = session_of(ctx, as_json=as_json), times.now()
    window = times.window(last, since, until, now)
    if window is None:
        raise RunbookError("verify needs a window: add --from and --to, or --last")
    wanted = _sha256(head)
    with printing.status("reading digests") as show:
        verdict = _verify(session, window, now, wanted, checksums, show)
    if session.as_json:
        printing.document(_document(verdict))
    else:
        _show(session, verdict)
    if not verdict.is_fine:
        raise typer.Exit(1)


def _sha256(text: str | None) -> str | None:
    if text is None:
        return None
    wanted = text.strip().lower()
    if len(wanted) != _SHA256_CHARACTERS or not set(wanted) <= set("0123456789abcdef"):
        raise RunbookError(f"invalid --head {text!r}: write the 64 hexadecimal digits of a digest's SHA-256")
    return wanted


# ---------------------------------------------------------------- the work


def _verify(
    session: Session, window: Window, now: datetime, head: str | None, checksums: bool, show: Callable[[str], None]
) -> Verdict:
    s3, outputs = session.s3, session.outputs
    keys = digest_objects.keys(s3, outputs.bucket)
    wanted = keys_to_read(keys, window.days[0])
    chain, counts = Chain(window.days[0], window.days[-1]), Counts()
    rules = Rules(now, outputs.expire_after_days, BEGINNING, checksums)
    with digest_objects.pool() as threads:
        records = _records(s3, outputs.bucket, wanted, chain, threads, show)
        day = partial(_day, s3, outputs.bucket, digest_objects.folders(s3, outputs.bucket), rules, chain)
        for _, found in digest_objects.ahead(threads, day, records):
            counts.add(found)
    digests_days = lifecycle.digests_expire_after_days(outputs.expire_after_days)
    chain.check_ends(digests_days, now, has_all=wanted[:1] == keys[:1])
    problems = list(chain.problems)
    if head and head not in chain.sha256s:
        problems.append(
            f"no digest that was read has the SHA-256 {head}: the chain was rewritten, or that digest is older than "
            "the window"
        )
    return Verdict(window, chain, counts, problems)


def _records(
    s3: "S3Client",
    bucket: str,
    keys: list[str],
    chain: Chain,
    threads: "ThreadPoolExecutor",
    show: Callable[[str], None],
) -> Iterator[Records]:
    """Read the digests in order, and give what they record of each day once it is complete."""
    for key, data in digest_objects.ahead(threads, partial(digest_objects.read, s3, bucket), keys):
        yield from chain.add(key, data)
        show(f"read {chain.digests:,} of {len(keys):,} digests")
    yield from chain.rest()


def _day(s3: "S3Client", bucket: str, apps: list[str], rules: Rules, chain: Chain, records: Records) -> Counts:
    """List a day, of all apps, and compare it. The list comes after the digests: what they have was there."""
    if records.listed is None and chain.newest:
        rules = Rules(rules.now, rules.expire_after_days, chain.newest.made, rules.checksums)
    folders = {*apps, *(f"{LOGS_PREFIX}{key.split('/', 2)[1]}/" for key in records.entries)}
    listed: Iterator[Entry] = (
        entry
        for app in sorted(folders)
        for entry in digest_objects.entries(s3, bucket, f"{app}{records.day:%Y/%m/%d}/")
    )
    return compare(records, listed, rules, partial(digest_objects.ask, s3, bucket))


# ---------------------------------------------------------------- output


def _show(session: Session, verdict: Verdict) -> None:
    chain, counts = verdict.chain, verdict.counts
    for problem in verdict.problems:
        print(f"CHAIN    {printing.printable(problem)}")
    for kind in Kind:
        if first := counts.first.get(kind):
            print(f"{kind.upper():<8} {_objects(counts.different[kind])}, the first is")
            print(f"         {printing.printable(_url(session, first))}")
            print(f"         {printing.printable(first.detail)}")
    print(f"objects  {_summary(counts)}")
    newest = f"; the newest is {chain.newest.number} of {printing.text(chain.newest.made)}" if chain.newest else ""
    print(f"digests  {printing.counted(chain.digests, 'digest', 'digests')}{newest}")
    if chain.head:
        print(f"head     {chain.head.sha256}")
    for note in _next(session, verdict):
        printing.note(note)


def _summary(counts: Counts) -> str:
    parts = [
        f"{counts.same:,} as recorded",
        f"{counts.copied:,} written again with the recorded content" if counts.copied else "",
        f"{counts.expired:,} expired" if counts.expired else "",
        f"{counts.pending:,} not recorded yet" if counts.pending else "",
    ]
    return ", ".join(filter(None, parts))


def _next(session: Session, verdict: Verdict) -> Iterator[str]:
    if verdict.is_fine:
        yield "nothing is missing, changed or added; to show later that nobody rewrote the chain, note its head"
        return
    bucket = session.outputs.bucket
    for kind in (Kind.MISSING, Kind.CHANGED):
        if first := verdict.counts.first.get(kind):
            yield (
                f"to see the versions of it that are left, for 30 days, as an administrator:\n  aws s3api "
                f"list-object-versions --bucket {bucket} --prefix {first.key} --region {session.outputs.region}"
            )
    if verdict.problems:
        doctor = next_command.command_line(session, "doctor", "--only", "digests")
        yield f"to see whether the digester works:\n  {doctor}"
    yield "docs/verify.md says what each of these means, and what to do"


def _document(verdict: Verdict) -> dict[str, Any]:
    chain, counts = verdict.chain, verdict.counts
    return {
        "window": {"from": verdict.window.since, "to": verdict.window.until},
        "fine": verdict.is_fine,
        "chain": {
            "problems": verdict.problems,
            "digests": chain.digests,
            "newest": chain.newest and {"number": chain.newest.number, "made": chain.newest.made},
            "head": chain.head and chain.head.sha256,
        },
        "objects": {
            "as_recorded": counts.same,
            "written_again": counts.copied,
            "expired": counts.expired,
            "not_recorded_yet": counts.pending,
            **{kind: counts.different[kind] for kind in Kind},
        },
        "first": {kind: first._asdict() for kind, first in sorted(counts.first.items())},
    }


def _url(session: Session, difference: Difference) -> str:
    return f"s3://{session.outputs.bucket}/{difference.key}"


def _objects(count: int) -> str:
    return printing.counted(count, "object", "objects")
