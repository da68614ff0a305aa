"""The OpenAPI document: kept in the repository, complete, and the same as what the application says."""

import json
from pathlib import Path

from accountant.api.app import openapi_document

DOCUMENT = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"


def test_the_document_is_the_code() -> None:
    """docs/api/openapi.json is exactly what `python -m accountant.api.document` prints."""
    assert json.loads(DOCUMENT.read_text()) == openapi_document()


def test_every_operation_is_named_and_says_how_it_fails() -> None:
    """Each operation has a stable id; all but the probes name their security and answer problems as such."""
    names = []
    for path, item in openapi_document()["paths"].items():
        for operation in item.values():
            names.append(operation["operationId"])
            if operation["tags"] == ["health"]:
                continue
            assert {"bearer": []} in operation["security"], path
            assert "401" in operation["responses"], path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert set(response["content"]) == {"application/problem+json"}, (path, status)
    assert len(set(names)) == len(names)


def test_every_reference_is_defined() -> None:
    """No `$ref` points to a schema that is not there, and no schema is left over."""
    document = openapi_document()
    used = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert used - set(document["components"]["schemas"]) == set()
    assert set(document["components"]["schemas"]) - used <= {"JobEventView", "TrainingEventView"}
