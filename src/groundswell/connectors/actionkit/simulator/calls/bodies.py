"""Bodies: JSON, XML and forms in, JSON and XML out. An action may be sent in each of the three (D)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError, SubElement, XMLParser, tostring

import msgspec

from groundswell.connectors.actionkit.simulator.calls.answers import Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.writing import text_of

FORM: Final = "application/x-www-form-urlencoded"
_DEPTH_MAX: Final = 20


def read_body(body: bytes, content_type: str) -> Json:
    """What was sent, by name.

    Raises:
        RefusedCallError: 400, it cannot be read.
    """
    if not body.strip():
        return {}
    if content_type == FORM:
        return _form(body)
    if "xml" in content_type:
        return _xml(body)
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedCallError(400, {"error": "The body is not JSON."}) from None
    if not isinstance(read, dict):
        raise RefusedCallError(400, {"error": "The body is not a JSON object."})
    return read


def _form(body: bytes) -> Json:
    read: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        read.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in read.items()}


def _xml(body: bytes) -> Json:
    parser = XMLParser()  # noqa: S314 - expat refuses entities that grow, and there is nothing here to steal
    try:
        parser.feed(body)
        root = parser.close()
    except (ParseError, ValueError, LookupError):
        raise RefusedCallError(400, {"error": "The body is not XML."}) from None
    read = _element(root, 0)
    return read if isinstance(read, dict) else {}


def _element(element: Element, depth: int) -> Any:
    kind = element.get("type")
    if kind == "null":
        return None
    if depth > _DEPTH_MAX:
        return ""
    if kind == "list":
        return [_element(child, depth + 1) for child in element]
    if kind == "hash" or len(element):
        read: dict[str, Any] = {}
        for child in element:
            value = _element(child, depth + 1)
            if child.tag in read:
                there = read[child.tag]
                read[child.tag] = [*(there if isinstance(there, list) else [there]), value]
            else:
                read[child.tag] = value
        return read
    return element.text or ""


def to_xml(body: Any, root: str) -> bytes:
    """As the library under theirs writes it: types in an attribute, but for texts."""
    element = Element(root)
    if isinstance(body, Mapping):
        for name, value in body.items():
            _add(element, name, value)
    return bytes(tostring(element, encoding="utf-8", xml_declaration=True))


def _add(parent: Element, name: str, value: Any) -> None:
    safe = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)
    element = SubElement(parent, safe if safe[:1].isalpha() or safe[:1] == "_" else f"_{safe}")
    match value:
        case None:
            element.set("type", "null")
        case bool():
            element.set("type", "boolean")
            element.text = str(value)
        case int():
            element.set("type", "integer")
            element.text = str(value)
        case Mapping():
            element.set("type", "hash")
            for key, one in value.items():
                _add(element, str(key), one)
        case list() | tuple():
            element.set("type", "list")
            for one in value:
                _add(element, "value", one)
        case _:
            element.text = "".join(letter for letter in text_of(value) if letter.isprintable() or letter in "\n\t")
