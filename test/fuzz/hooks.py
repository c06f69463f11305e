"""What the description of the API can't say, for schemathesis."""

from urllib.parse import urlencode

import schemathesis


# A server refuses by itself what is longer, as text.
LONGEST_QUERY = 4000


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    """It takes the schema of a stream for that of a frame, as OpenAPI 3.2 has it; ours is that of a frame's data."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                stream = response.get("content", {}).get("text/event-stream")
                if stream is not None:
                    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": stream["schema"]}
                    stream["schema"] = {"type": "object", "properties": {"data": data}, "required": ["data"]}


@schemathesis.hook
def filter_case(ctx, case):
    """An empty value in a query or a form is one that was not sent: nobody can call it a violation of its schema."""
    if len(urlencode(case.query or {}, doseq=True, errors="replace")) > LONGEST_QUERY:
        return False
    if any(value in ("", None, [], [""], {}) for value in (case.query or {}).values()):
        return False
    # Where a form is taken, the same holds of JSON.
    takes_forms = any(body.media_type == "application/x-www-form-urlencoded" for body in case.operation.body)
    if takes_forms and isinstance(case.body, dict):
        return not any(value in ("", None, [], [""], {}) for value in case.body.values())
    return True
