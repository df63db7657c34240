"""
Makes ocsf-1.8.0.schema.json from the published OCSF schema. Once, by hand:

    pip download ocsf-json-schema==1.2.0 --no-deps && python -m zipfile -e ocsf_json_schema-*.whl .
    python make-schema.py > ocsf-1.8.0.schema.json
"""
import json
import sys

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"
PROFILES = ["host", "security_control"]
CLASSES = [
    *["authentication", "account_change", "user_access", "group_management", "entity_management"],
    *["api_activity", "application_lifecycle", "network_activity", "detection_finding"],
]


def without_titles(node):
    """A title is a text; an attribute that is called `title` is an object, and stays."""
    if isinstance(node, dict):
        return {key: without_titles(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    return [without_titles(value) for value in node] if isinstance(node, list) else node


schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
objects, classes = {}, {}
for name in CLASSES:
    made = without_titles(schema.get_class_schema(name, PROFILES))
    for key, value in made.pop("$defs").items():
        assert objects.setdefault(key, value) == value, key
    del made["$id"], made["$schema"]
    classes[name] = made
whole = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": f"https://schema.ocsf.io/schema/{VERSION}",
    "classes": classes,
    "$defs": dict(sorted(objects.items())),
}
json.dump(whole, sys.stdout, separators=(",", ":"))
