"""`python -m accountant.api.document`: the OpenAPI document as docs/api/openapi.json holds it."""

import json
import sys

from accountant.api.app import openapi_document

if __name__ == "__main__":
    json.dump(openapi_document(), sys.stdout, indent=2, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")
