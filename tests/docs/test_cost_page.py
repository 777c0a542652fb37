"""What docs/cost.md is computed from: the simulation of paced answers, the sizes of batches, and what it promises."""

from itertools import pairwise

import pytest

from benchmarks.sizes import APPS, UNTIL, in_bucket, in_buffer
from contract import names
from contract.alarms import Watched
from contract.vended_metrics import Resource
from infra.dashboard import DashboardArgs, body
from local.traffic import week
from runbook.cost import sizes
from tools import cost_page, paced_answers
from tools.paced_answers import CASES, Case, Outcome, simulate

NINE_A_SECOND = Case(9, 1)


def from_one_node(pause_ms: int) -> Outcome:
    return simulate(NINE_A_SECOND, pause_ms, apps=1, nodes=1, lines=1_920)


# ---------------------------------------------------------------- paced answers


@pytest.mark.parametrize(("pause_ms", "posts"), [(0, 187), (500, 41), (1_500, 15)])
def test_the_simulation_makes_as_many_posts_as_logplexs_own_sender(pause_ms: int, posts: int) -> None:
    """Of 192 lines at nine per second, with answers after 20 ms, 0.5 s and 1.5 s; here ten times as many lines."""
    found = from_one_node(pause_ms)
    assert found.posts / found.lines * 192 == pytest.approx(posts, rel=0.3)


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert from_one_node(500) == from_one_node(500)


@pytest.mark.parametrize("case", CASES)
def test_a_longer_pause_makes_no_more_posts_and_keeps_every_line(case: Case) -> None:
    found = [simulate(case, pause_ms) for pause_ms in paced_answers.PAUSES_MS]
    assert all(longer.posts <= shorter.posts for shorter, longer in pairwise(found))
    assert len({each.lines for each in found}) == 1


@pytest.mark.parametrize("case", CASES)
def test_no_pause_comes_near_the_lines_that_logplex_buffers(case: Case) -> None:
    assert simulate(case, 1_000, nodes=1).most_waiting < paced_answers.BUFFER_LINES / 4


def test_a_full_batch_is_answered_at_once() -> None:
    """At a thousand lines per second and node a POST takes 40 ms: all batches have more than 20 lines."""
    found = simulate(Case(1_000, 1), 1_000, apps=1, nodes=1)
    assert found.busy_s / found.posts < 0.1
    assert found.lines_per_post > 20


def test_what_is_billed_is_the_pause_if_it_is_longer_than_the_work() -> None:
    """A POST every ten seconds: each takes half a second, at 0.25 GB."""
    found = simulate(Case(0.1, 1), 500, apps=1, nodes=1, lines=200)
    posts_a_month = found.posts_per_second * 30 * 24 * 3600
    assert found.busy_s == pytest.approx(found.posts * 0.5)
    assert found.lambda_usd(256) - found.lambda_usd(128) == pytest.approx(posts_a_month * 0.5 * 0.125 * 0.0000133334)


def test_the_recommendations_of_the_page_follow_from_its_table() -> None:
    """In Lambda a pause costs more up to 500 MB per day, and less at 5 GB; a machine always saves writes."""
    for case in CASES:
        at_once, later = simulate(case, 0), simulate(case, 1_000)
        assert (later.lambda_usd(256) < at_once.lambda_usd(256)) is (case.megabytes_per_day > 1_000)
        assert later.writes_usd() <= at_once.writes_usd()


def test_a_machine_costs_what_its_parts_do() -> None:
    """720 hours of $0.0168 and of $0.005, and 8 GB at $0.08."""
    assert paced_answers.machine_usd() == pytest.approx(12.096 + 3.60 + 0.64)


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("size", [1, 5, 20, 100])
def test_batches_are_as_large_in_the_buffer_as_the_model_says(size: int) -> None:
    """The traffic generator's, of which the benchmark takes more."""
    found = in_buffer(week.generate(APPS, UNTIL, 4_000), size)
    assert sizes.item_bytes(found.body_bytes) == pytest.approx(found.item_bytes, rel=0.1)
    assert sizes.write_units(found.body_bytes) == pytest.approx(found.write_units, rel=0.1)


@pytest.mark.parametrize("size", [5, 50, 500])
def test_objects_are_as_large_as_the_model_says(size: int) -> None:
    bodies, stored = in_bucket(week.generate(APPS, UNTIL, 4_000), size)
    assert sizes.stored_bytes(bodies) == pytest.approx(stored, rel=0.1)


# ---------------------------------------------------------------- the watch


def test_the_watch_costs_about_a_dollar_for_every_volume_of_the_page() -> None:
    """Of three apps, less free tiers. Apps that log nothing cost more, for the objects of their canaries."""
    *volumes, silent = cost_page.facts()["watch"].paid
    assert len(volumes) == len(cost_page.facts()["volumes"])
    assert max(volumes) <= 1.25
    assert silent <= 1.75


def test_what_the_watch_costs_is_all_alarms_but_ten_and_little_more() -> None:
    watch = cost_page.facts()["watch"]
    rows = {row.what: row.usd[0] for row in watch.rows}
    assert rows["Alarms"] == pytest.approx(2.00)
    assert watch.totals[0] == pytest.approx(2.00 + 2.10 + 3.00, abs=0.25), "alarms, metrics, dashboard"
    assert watch.paid[0] == pytest.approx(1.00, abs=0.20)


def test_an_open_dashboard_scans_what_the_page_says() -> None:
    watched = Watched("raxx-log", "/raxx/log-drain/", {"raxx-api-prod": 2})
    shown = body(
        DashboardArgs(watched, {each: each.value for each in Resource}, [], "us-east-1", "raxx-log-queries", 20)
    )
    group = names.function_log_group(names.flusher_function("raxx-log"))
    queries = [each["properties"]["query"] for each in shown["widgets"] if each["type"] == "log"]
    assert sum(f"'{group}'" in query for query in queries) == cost_page.LOG_WIDGETS
    assert shown["start"] == f"-PT{cost_page.SHOWN_HOURS}H"


def test_before_there_was_a_watch_there_is_nothing_of_it() -> None:
    assert not {"Alarms", "Dashboard", "Canary compute"} & {what for what, _ in cost_page.facts()["before"].rows}


# ---------------------------------------------------------------- what was promised


def test_what_the_page_says_of_the_promise() -> None:
    """Less than $50 up to 5 GB per day: on Lambda with a hundred lines per POST, and not with twenty."""
    promises = {each["lines"]: each for each in cost_page.facts()["kept_promises"]}
    assert promises[20]["lambda_promised"] < 5e9 < promises[100]["lambda_promised"]
    assert all(promises[few]["machine_promised"] > promises[few]["lambda_promised"] for few in (1, 5, 20))


def test_before_the_buffer_most_was_charged_by_the_object() -> None:
    before = cost_page.facts()["before"]
    at_five = list(before.totals)[2]
    rows = {what: amounts[2] for what, amounts in before.rows}
    assert rows["Transitions to Glacier"] == pytest.approx(425_532 * 30 * 0.00003, rel=1e-4)
    assert rows["Writes of objects and results"] == pytest.approx(425_532 * 30 * 0.000005, rel=1e-4)
    assert "Writes to the buffer" not in rows
    assert rows["Transitions to Glacier"] / at_five > 0.6


# ---------------------------------------------------------------- a flood


def test_an_hour_of_a_flood_by_hand() -> None:
    """3.6 million requests: $3.60 for the API, $0.72 and $0.06 for Lambda, and a line in each of two logs."""
    [(rate, usd), _] = cost_page.facts()["flood"]
    assert rate == 1_000
    assert usd == pytest.approx(3.60 + 0.72 + 0.06 + 3.6e6 * (81 + 250) / 2**30 * 0.50, rel=0.03)
