"""The drain URL is the one secret between the stack, which registers it, and the receiver, which checks it."""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.drain_url import token, url

KEY = "J0Vq2mJmO0a7bJwYH1Xv8p1zN8i0S6n0bqk2m0Qn3vE"
ENDPOINT = "https://abc123.execute-api.us-east-1.amazonaws.com/prod"


def test_a_token_is_the_unpadded_base64url_of_hmac_sha256() -> None:
    """Key: the UTF-8 bytes of the string as it stands in `drain_keys`; message: the app's name."""
    expected = hmac.new(KEY.encode(), b"raxx-api-prod", hashlib.sha256).digest()
    shown = token(KEY, "raxx-api-prod")
    assert "=" not in shown
    assert urlsafe_b64decode(shown + "=") == expected


def test_a_token_stays_what_it_was() -> None:
    """Registered URLs outlive a deployment, so the derivation can't change without a rotation."""
    assert token("key", "raxx-api-prod") == "3RCe13D2Irq_0Ia_rHDuZI0scW3wnl3vk7NjoXb-qDc"


@given(st.text(min_size=1, max_size=50).filter(lambda key: key.isprintable()))
def test_a_token_of_any_key_needs_no_escaping_in_a_url(key: str) -> None:
    shown = token(key, "raxx-api-prod")
    assert len(shown) == 43
    assert set(shown) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("key", "app"),
    [pytest.param(KEY, "raxx-console-prod", id="app"), pytest.param(KEY[:-1], "raxx-api-prod", id="key")],
)
def test_another_app_or_key_has_another_token(key: str, app: str) -> None:
    assert token(key, app) != token(KEY, "raxx-api-prod")


def test_the_url_is_the_endpoint_with_app_and_token() -> None:
    assert url(ENDPOINT, "raxx-api-prod", KEY) == (
        f"{ENDPOINT}/drain?app=raxx-api-prod&token={token(KEY, 'raxx-api-prod')}"
    )


def test_the_key_is_not_in_the_url() -> None:
    assert KEY not in url(ENDPOINT, "raxx-api-prod", KEY)


def test_the_url_reads_back() -> None:
    query = parse_qs(urlsplit(url(ENDPOINT, "raxx-api-prod", KEY)).query, strict_parsing=True)
    assert query == {"app": ["raxx-api-prod"], "token": [token(KEY, "raxx-api-prod")]}
