"""What a target offers, found with calls that a behaving one does not bill."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.errors import UsageError
from imageproof_conformance.budget import Budget, pictures
from imageproof_conformance.discover import Discovery, choose_models, discover
from imageproof_conformance.exchange import Exchange, Probe
from imageproof_conformance.money import Cost
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.wire import Wire

from .conftest import Asked, Says, Serve

REFUSED = Says(
    400, {"error": {"message": "no prompt", "type": "invalid_request_error", "param": "prompt", "code": None}}
)
NOWHERE = Says(404, {"error": {"message": "no such route"}})


def models(*names: str) -> Says:
    return Says(body={"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def found(url: str, cap: int = 12, **options: Any) -> tuple[Discovery, Budget]:
    profile, budget = Profile(url, "sk-x", timeout=2, **options), Budget(cap)
    with Wire(profile) as wire:

        def send(probe: Probe) -> Exchange | None:
            if budget.refusal(Cost(probe.worst)):
                return None
            exchange = wire.send(probe)
            budget.settle(Cost(probe.worst), Cost(pictures(exchange)))
            return exchange

        return discover(load(), profile, send), budget


def test_a_list_of_another_shape_does_not_hide_the_model_that_was_named(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.path == "/v1/models/mine":
            return Says(body={"id": "mine", "object": "model"})
        return Says(body={"models": [{"id": "mine"}]}) if asked.path == "/v1/models" else REFUSED

    result, _ = found(serve(handle).url, models=(ModelChoice("mine", "dall-e-3"),))
    assert {"listModels", "retrieveModel"} <= result.offered and result.listed == ()


def test_operations_are_there_when_they_refuse_and_models_are_listed(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.path.startswith("/v1/models"):
            return models("dall-e-2", "other")
        return REFUSED if asked.path != "/v1/images/variations" else NOWHERE

    target = serve(handle)
    result, budget = found(target.url)
    assert result.offered == {"createImage", "createImageEdit", "listModels", "retrieveModel"}
    assert result.listed == ("dall-e-2", "other")
    assert (result.trouble, budget.spent) == ("", Cost(0))
    assert target.paths() == [
        "GET /v1/models",
        "POST /v1/images/generations",
        "POST /v1/images/edits",
        "POST /v1/images/edits",
        "POST /v1/images/edits",
        "POST /v1/images/variations",
        "GET /v1/models/dall-e-2",
    ]


def test_a_404_about_the_model_comes_from_a_route_that_is_there(serve: Serve) -> None:
    gone = Says(404, {"error": {"message": "?", "code": "model_not_found", "param": None, "type": "x"}})
    result, _ = found(serve(lambda asked: gone if asked.method == "POST" else NOWHERE).url)
    assert result.offered == {"createImage", "createImageEdit", "createImageVariation"}
    assert result.listed == ()


@pytest.mark.parametrize(
    ("says", "trouble"),
    [
        (Says(401, {"error": {"message": "bad key"}}), "auth"),
        (Says(403), "auth"),
        (Says(429), "quota"),
        (Says(402), "quota"),
        (Says(503), "outage"),
        (NOWHERE, "nothing"),
        (Says(405), "nothing"),
    ],
)
def test_targets_that_give_no_verdict(serve: Serve, says: Says, trouble: str) -> None:
    result, _ = found(serve(lambda asked: says).url)
    assert result.trouble == trouble
    assert str(says.status) in result.detail


def test_an_open_list_of_models_does_not_hide_a_closed_door(serve: Serve) -> None:
    result, _ = found(serve(lambda asked: models("a") if asked.method == "GET" else Says(401)).url)
    assert result.trouble == "auth"


def test_a_closed_door_offers_nothing_and_is_knocked_at_twice(serve: Serve) -> None:
    target = serve(lambda asked: Says(401))
    assert found(target.url)[0].offered == frozenset()
    assert len(target.asked) == 2


def test_nobody_there_is_found_with_one_call() -> None:
    result, _ = found("http://127.0.0.1:1/v1")
    assert result.trouble == "unreachable"
    assert len(result.exchanges) == 1


def test_a_target_that_serves_anything_costs_no_more_than_the_cap(serve: Serve) -> None:
    target = serve(lambda asked: models("a") if asked.method == "GET" else Says(body={"data": [{}]}))
    _, budget = found(target.url, cap=2)
    assert budget.spent == Cost(2)
    assert [path for path in target.paths() if path.startswith("POST")] == target.paths()[1:3]


def test_without_money_only_get_is_sent(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        return models("dall-e-2") if asked.path.startswith("/v1/models") else Says(405)

    target = serve(handle)
    result, _ = found(target.url, cap=0)
    assert {asked.method for asked in target.asked} == {"GET"}
    assert result.offered >= {"createImage", "createImageEdit", "createImageVariation"}


UNKNOWN = Says(404, {"error": {"message": "no such model", "code": "model_not_found", "param": "model", "type": "x"}})
NO_SIZE = Says(400, {"error": {"message": "no such size", "type": "x", "param": "size", "code": None}})


def test_a_target_that_lists_no_models_is_asked_which_it_knows_by_name(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            return NOWHERE
        if b"1x1" not in asked.body:
            return REFUSED
        return NO_SIZE if asked.json["model"] in ("dall-e-3", "gpt-image-1") else UNKNOWN

    target = serve(handle)
    result, budget = found(target.url)
    assert (set(result.by_name), budget.spent) == ({"dall-e-3", "gpt-image-1"}, Cost(0))
    chosen, note = choose_models(load(), Profile("http://x/v1"), result)
    assert chosen == (ModelChoice("gpt-image-1"),) and "knows by name" in note
    calls = len(target.asked)
    assert found(target.url, models=(ModelChoice("dall-e-3"),))[0].by_name == ()
    assert len(target.asked) - calls < calls  # whoever names a model needs no search


def test_a_target_that_complains_of_the_size_whatever_the_model_says_no_names(serve: Serve) -> None:
    target = serve(lambda asked: NOWHERE if asked.method == "GET" else NO_SIZE if b"1x1" in asked.body else REFUSED)
    assert found(target.url)[0].by_name == ()
    assert sum(b"1x1" in one.body for one in target.asked) == 1


def test_a_target_that_serves_what_it_must_refuse_is_asked_for_one_name_alone(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET" or b"1x1" not in asked.body:
            return NOWHERE if asked.method == "GET" else REFUSED
        return UNKNOWN if b"no-such" in asked.body else Says(body={"data": [{}]})

    result, budget = found(serve(handle).url)
    assert len(result.by_name) == 1 and budget.spent == Cost(1)


def discovered(*listed: str) -> Discovery:
    return Discovery(frozenset({"createImage", "createImageEdit"}), listed, ())


def test_a_model_is_chosen_from_the_list_and_said() -> None:
    profile = Profile("http://x/v1")
    chosen, note = choose_models(load(), profile, discovered("whisper-1", "dall-e-2", "gpt-image-1"))
    assert chosen == (ModelChoice("gpt-image-1"),)
    assert "gpt-image-1" in note and "--model" in note


def test_without_a_known_model_the_user_is_told_what_to_type() -> None:
    with pytest.raises(UsageError, match=r"--model NAME=FAMILY.*my-image"):
        choose_models(load(), Profile("http://x/v1"), discovered("llama", "my-image"))
    with pytest.raises(UsageError, match=r"lists no models.*--model"):
        choose_models(load(), Profile("http://x/v1"), discovered())


def test_a_named_model_is_taken_and_an_unknown_family_is_not() -> None:
    def profile(*models: ModelChoice) -> Profile:
        return Profile("http://x/v1", models=models)

    assert choose_models(load(), profile(ModelChoice("dall-e-2")), discovered())[1] == ""
    assert "open rules" in choose_models(load(), profile(ModelChoice("flux")), discovered())[1]
    assert choose_models(load(), profile(ModelChoice("flux", "dall-e-3")), discovered())[1] == ""
    with pytest.raises(UsageError, match=r"no such family; type one of.*dall-e-3"):
        choose_models(load(), profile(ModelChoice("flux", "dalle3")), discovered())
