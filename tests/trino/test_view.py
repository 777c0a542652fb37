"""The view router_requests: one typed row of each request, of both styles of the router, and nothing else."""

from contract import router_view
from local.traffic.facts import ERROR_DESCRIPTIONS, Request
from local.traffic.lines import Line
from tests.trino.cases import CLOCKS
from tests.trino.world import World

DAY = CLOCKS["ordinary-day"].date()
TYPES = {name: column.trino_type for name, column in router_view.COLUMNS.items()}


def row(line: Line, request: Request) -> dict[str, object]:
    """A request as Trino gives it."""
    return {
        "time": line.time.replace(microsecond=line.time.microsecond // 1000 * 1000, tzinfo=None),
        "at": "error" if request.code else "info",
        "code": request.code,
        "descr": request.code and ERROR_DESCRIPTIONS[request.code],
        "method": request.method,
        "path": request.path,
        "request_id": request.request_id,
        "fwd": ", ".join(request.fwd),
        "fwd_ip": request.fwd_ip,
        "dyno": request.dyno,
        "connect_ms": request.connect_ms,
        "service_ms": request.service_ms,
        "status": request.status,
        "bytes": request.bytes,
        "wait_ms": request.wait_ms,
        "long_lived": request.long_lived,
        "log_ts": line.timestamp,
        "message": line.stored_message,
        "app": line.app,
        "year": f"{DAY:%Y}",
        "month": f"{DAY:%m}",
        "day": f"{DAY:%d}",
    }


def test_a_row_is_a_request_with_each_field_or_null(world: World) -> None:
    requests = [
        (line, line.facts) for line in world.lines if line.time.date() == DAY and isinstance(line.facts, Request)
    ]
    for kind in ("tls_version", "code"):
        assert len({getattr(request, kind) is None for _, request in requests}) == 2, "not of both kinds"
    assert any(request.dyno is None and request.service_ms is None for _, request in requests)
    answer = world.ask(
        f"SELECT * FROM {world.database}.{router_view.NAME} "
        f"WHERE year = '{DAY:%Y}' AND month = '{DAY:%m}' AND day = '{DAY:%d}' ORDER BY time, app"
    )
    assert answer.columns == list(router_view.COLUMNS)
    assert answer.rows == [row(*each) for each in sorted(requests, key=lambda each: (each[0].time, each[0].app))]


def test_its_columns_have_their_types(world: World) -> None:
    described = world.ask(f"DESCRIBE {world.database}.{router_view.NAME}")
    assert {str(name): kind for name, kind, *_ in described.values} == TYPES


def test_its_numbers_and_times_compare_as_such(world: World) -> None:
    """As texts, '30000' would be less than '5'."""
    [[slow, right]] = world.ask(
        f"SELECT count_if(service_ms > 999), count_if(length(CAST(service_ms AS varchar)) > 3) "
        f"FROM {world.database}.{router_view.NAME} WHERE year = '{DAY:%Y}' AND month = '{DAY:%m}' AND status < 1000 "
        f"AND time >= timestamp '{DAY} 00:00:00'"
    ).values
    assert slow == right != 0
