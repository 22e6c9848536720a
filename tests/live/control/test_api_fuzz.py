"""Whatever is sent to the seat, it answers in JSON and never with an error of its own."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from scenes import scored, scoring
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from seats import lived

from live.control.api import api_of, served
from live.control.seat import Allowed, Seat


def spelled() -> dict[str, Any]:
    """The seat's own schema."""
    with TemporaryDirectory() as folder:
        return api_of(Seat(Path(folder), 1)).openapi()


pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
CHECKS = [
    not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance,
    negative_data_rejection, ignored_auth, unsupported_method,
]  # fmt: skip
EXAMPLES = 40
OPEN = ("/api/login", "/api/alive")
SPELLED = spelled()
MANY = Allowed(*["1000000/minute"] * 4)


OPERATIONS = sorted(
    f"{method.upper()} {path}" for path, said in SPELLED["paths"].items() for method in said
)  # fmt: skip


@pytest.fixture(scope="module")
def sitting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz") / "one"
    lived(folder, scoring(), scored(), 30)
    with served(folder, 0, allowed=MANY) as address:
        found = schemathesis.openapi.from_dict(SPELLED)
        found.config.update(base_url=address)
        yield found, json.loads((folder / "tokens.json").read_text())["operator"]["token"]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_keeps_its_word_whatever_is_sent(sitting, operation, mode):
    schema, token = sitting
    method, path = operation.split()
    headers = {} if path in OPEN else {"Authorization": f"Bearer {token}"}
    tried = 0

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def answers(case):
        nonlocal tried
        tried += 1
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        answers()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "there is nothing to send wrongly"
        return
    assert tried > 0
