"""The price table: complete, dated, and right in examples worked out by hand."""

import pytest

from runbook import prices
from runbook.prices import Price


@pytest.mark.parametrize("price", prices.ALL, ids=lambda price: price.what)
def test_every_price_has_a_unit_and_the_title_of_its_page(price: Price) -> None:
    assert price.usd >= 0
    assert price.per in {1, 1000, 10_000, prices.MILLION, prices.GB, prices.TB}
    assert price.source.endswith("pricing")
    assert price.unit


def test_no_price_is_in_the_table_twice() -> None:
    assert len({price.what for price in prices.ALL}) == len(prices.ALL)


@pytest.mark.parametrize(
    ("price", "quantity", "usd"),
    [
        # Each worked out from AWS's own wording, "$x per y".
        pytest.param(prices.S3_STANDARD, 100 * prices.GB, 2.30, id="100 GB in Standard for a month"),
        pytest.param(prices.S3_GLACIER, 1000 * prices.GB, 3.60, id="1 TB in Glacier for a month"),
        pytest.param(prices.S3_PUT, 10_000_000, 50.00, id="10 million PUTs"),
        pytest.param(prices.S3_GET, 1_000_000, 0.40, id="a million GETs"),
        pytest.param(prices.S3_TO_GLACIER, 300_000, 9.00, id="a month of 10,000 tiny objects a day to Glacier"),
        pytest.param(prices.RESTORE_EXPEDITED_REQUEST, 2_000, 20.00, id="2,000 objects expedited"),
        pytest.param(prices.RESTORE_STANDARD_BYTES, 50 * prices.GB, 0.50, id="50 GB standard"),
        pytest.param(prices.RESTORE_BULK_REQUEST, 1_000_000, 0.0, id="bulk is free"),
        pytest.param(prices.HTTP_API, 10_000_000, 10.00, id="10 million POSTs"),
        pytest.param(prices.LAMBDA_GB_SECOND, 10_000_000 * 0.05 * 0.5, 3.33335, id="10 million batches of 50 ms"),
        pytest.param(prices.LAMBDA_REQUEST, 10_000_000, 2.00, id="10 million invocations"),
    ],
)
def test_a_quantity_costs_what_the_page_says(price: Price, quantity: float, usd: float) -> None:
    assert price.cost(quantity) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("scanned", "charged_mb"),
    [(0, 10), (1, 10), (10 * 2**20, 10), (20 * 2**20, 20), (2**40, 2**20), (10 * 2**30, 10 * 2**10)],
)
def test_a_query_is_charged_for_ten_megabytes_at_least(scanned: int, charged_mb: int) -> None:
    """A TB, of which a MB is the 2^20th part, is $5."""
    assert prices.query_cost(scanned) == pytest.approx(charged_mb / 2**20 * 5)


def test_a_gigabyte_is_1024_to_the_third() -> None:
    """S3's own example: 107,374,182,400 bytes are 100 GB."""
    assert prices.S3_STANDARD.cost(107_374_182_400) == pytest.approx(2.30)
    assert prices.ATHENA_SCAN.cost(1_099_511_627_776) == pytest.approx(5.00)


def test_a_price_says_itself_in_words() -> None:
    assert str(prices.ATHENA_SCAN) == "$5.00 per TB scanned"
    assert str(prices.S3_GLACIER) == "$0.0036 per GB-month"
    assert str(prices.LAMBDA_GB_SECOND) == "$0.0000133334 per GB-second"
