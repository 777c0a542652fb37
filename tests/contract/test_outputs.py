"""The outputs as the program exports them and as the operator's tools parse them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.outputs import MEANINGS, InvalidOutputs, Outputs, exported
from local.pulumi import preview
from tests.support.outputs import VALUES

FIELDS = dict(zip(MEANINGS, Outputs.__dataclass_fields__, strict=True))
# Wrong for every output, whatever its type.
ODD = st.one_of(
    st.none(),
    st.just(""),
    st.floats(),
    st.integers(max_value=-1),
    st.text(st.characters(codec="utf-8")).map(lambda text: f"{text}\x1b[2J"),
    st.text(st.characters(codec="utf-8")).map(lambda text: f"{text}\n\u2028'; rm"),
    st.lists(st.none() | st.integers() | st.just("a b") | st.lists(st.text()), min_size=1),
    st.dictionaries(st.text(), st.none() | st.text(), min_size=1),
)


def parsed(**changed: Any) -> Outputs:
    return Outputs.parse(json.dumps(VALUES | changed), "x")


def without(name: str) -> str:
    return json.dumps({each: value for each, value in VALUES.items() if each != name})


def test_what_is_exported_is_parsed() -> None:
    values: dict[str, Any] = vars(parsed())
    lists = {name: tuple(value) for name, value in VALUES.items() if isinstance(value, list)}
    assert exported(**values) == VALUES | lists
    assert Outputs.parse(json.dumps(exported(**values)), "x").by_name() == exported(**values)


def test_what_follows_from_outputs() -> None:
    outputs = parsed(readerRoleArn="arn:aws-us-gov:iam::1:role/r", endpoint="https://x/prod/drain")
    assert outputs.partition == "aws-us-gov"
    assert outputs.bucket_arn == "arn:aws-us-gov:s3:::a-bucket"
    assert outputs.stage_url == "https://x/prod"


def test_an_output_that_is_forgotten_or_unknown_is_named() -> None:
    with pytest.raises(TypeError, match=r"missing or unknown outputs: .*bucket, .*extra, "):
        exported(extra=1)


def test_all_outputs_are_read() -> None:
    read = parsed()
    assert read.workgroup == "a-workgroup"
    assert read.apps == ("raxx-api-prod", "raxx-console-prod")
    assert read.all_apps == ("raxx-api-prod", "raxx-console-prod", "raxx-old-prod")
    assert read.problems == ()


def test_outputs_before_the_deployment_are_valid_and_have_a_placeholder() -> None:
    planned = Outputs.parse(json.dumps(preview.outputs("prod")), "x")
    assert planned.problems == ()
    assert not planned.knows_endpoint
    assert parsed().knows_endpoint


def test_an_output_of_a_newer_stack_is_ignored() -> None:
    assert parsed(newer={}) == parsed()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "x is not valid JSON", id="empty"),
        pytest.param("{", "x is not valid JSON", id="cut"),
        pytest.param("[" * 100_000, "x is not valid JSON", id="deep"),
        pytest.param("[]", "x is not a JSON object of outputs", id="list"),
        pytest.param("{}", "x has no outputs of this project", id="none"),
        pytest.param('{"newer": 1}', "x has no outputs of this project", id="others"),
    ],
)
def test_a_text_without_outputs_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InvalidOutputs, match=message) as raised:
        Outputs.parse(text, "x")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", MEANINGS)
def test_an_output_that_is_missing_takes_nothing_else_away(name: str) -> None:
    """Its use is an error that names it and the source, and says what to do."""
    read = Outputs.parse(without(name), "the file x")
    assert read.by_name() == {each: value for each, value in parsed().by_name().items() if each != name}
    assert not read.has(FIELDS[name])
    with pytest.raises(InvalidOutputs, match=rf"the file x has no output {name}: deploy this version of the stack, or"):
        getattr(read, FIELDS[name])
    assert len(read.problems) == 1


@given(st.sampled_from(list(MEANINGS)), ODD)
def test_an_odd_value_is_as_good_as_none(name: str, value: object) -> None:
    """Nothing of it is said: it could control the terminal."""
    read = Outputs.parse(json.dumps(VALUES | {name: value}), "x")
    with pytest.raises(KeyError, match=rf"'x has an invalid value for the output {name}: deploy [\w ,]+'"):
        getattr(Outputs.parse(json.dumps(VALUES | {name: value}), "x", KeyError), FIELDS[name])
    assert read.by_name().keys() == MEANINGS.keys() - {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apps", "raxx-api-prod"),
        ("apps", []),
        ("apps", ["x' OR 'a'='a"]),
        ("retiredApps", ["a'"]),
        ("breakGlassArns", ["ops"]),
        ("readerRoleArn", "raxx-log-athena-reader"),
        ("table", "t; DROP"),
        ("database", 1),
        ("endpoint", "https://[/drain"),
        ("endpoint", "ftp://x/drain"),
        ("bucket", "a b"),
        ("bucket", "-->"),
        ("parameterPrefix", "raxx"),
        ("budgetUsd", "20"),
        ("flushMinutes", 7),
        ("expireAfterDays", 10**9),
        ("silenceHours", True),
        ("silenceHoursByApp", {"raxx-api-prod": True}),
        ("drainsEnabled", 1),
    ],
)
def test_a_value_that_its_output_cannot_have_is_not_used(name: str, value: object) -> None:
    assert not parsed(**{name: value}).has(FIELDS[name])


def test_the_account_is_known_from_any_arn() -> None:
    assert parsed(readerRoleArn=None, restorerRoleArn=None).account_id == "123456789012"
    arns = dict.fromkeys(("readerRoleArn", "restorerRoleArn", "writerUserArn", "alarmTopicArn"))
    with pytest.raises(InvalidOutputs, match="readerRoleArn"):
        _ = parsed(**arns).account_id


def test_only_an_output_is_said_to_be_missing() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = Outputs.parse(without("bucket"), "x").nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name, value in VALUES.items() if isinstance(value, str)])
@pytest.mark.parametrize("more", ["\n", " ", "'", "\x1b[2J", "\u2028", "é"])
def test_nothing_odd_may_follow_a_valid_value(name: str, more: str) -> None:
    assert not parsed(**{name: VALUES[name] + more}).has(FIELDS[name])
