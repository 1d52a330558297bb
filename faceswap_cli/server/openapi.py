"""The API as an OpenAPI document, and as a page to read. Both are made from the records that judge requests."""

from __future__ import annotations

import json
from html import escape
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from faceswap_cli.segmind.schema import REQUESTS

Json = dict[str, Any]

_ERRORS = {
    "400": "a parameter or the body is wrong; on v1 also what only running shows, such as no face",
    "401": "key missing or wrong",
    "404": "no such model, or a request that is unknown or expired",
    "413": "the body is too large",
    "422": "the request has FAILED",
    "429": "the queue is full; Retry-After says when to try again",
    "500": "the server failed",
    "503": "the server is stopping",
    "504": "inference timed out",
}


def describe(root: str, *, needs_key: bool) -> Json:
    """The OpenAPI 3.1 document.

    Args:
        root: Of all URLs.
        needs_key: Whether a key is asked for.
    """
    paths: Json = {}
    for slug, record in REQUESTS.items():
        body = {"required": True, "content": {"application/json": {"schema": _reference(record.__name__)}}}
        paths[f"/v1/{slug}"] = {"post": {
            "summary": f"Run {slug} and wait for the picture", "requestBody": body,
            "responses": {"200": {"description": "the picture, or with base64 an object with `image`", "content": {
                "image/*": {}, "application/json": {"schema": _object(image={"type": "string"})}}},
                **_errors("400", "401", "404", "413", "429", "500", "503", "504")}}}
        paths[f"/v2/{slug}"] = {"post": {
            "summary": f"Submit a request to {slug}", "requestBody": body,
            "responses": {"200": _json("where to ask for it", "Submitted"),
                          **_errors("400", "401", "404", "413", "429", "500", "503")}}}
    identity = [{"name": "request_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    paths["/v2/requests/{request_id}/status"] = {"parameters": identity, "get": {
        "summary": "How far a request is", "responses": {
            "200": _json("the state", "State"), "422": _json("it has FAILED", "State"), **_errors("401", "404")}}}
    paths["/v2/requests/{request_id}"] = {"parameters": identity, "get": {
        "summary": "The result of a request", "responses": {
            "200": _json("the result, or the state while there is none", "Result"),
            "422": _json("it has FAILED", "State"), **_errors("401", "404")}}}
    paths["/upload-asset"] = {"post": {
        "summary": "Turn files into URLs",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _object(
            data_urls={"type": "array", "items": {"type": "string"}})}}},
        "responses": {"200": {"description": "one URL for each file, in order", "content": {"application/json": {
            "schema": _object(file_urls={"type": "array", "items": {"type": "string"}}, message={"type": "string"})}}},
            **_errors("400", "401", "413", "429")}}}
    for path, summary in (("/results/{name}", "A result, for an hour"), ("/assets/{name}", "An uploaded picture")):
        paths[path] = {"get": {
            "summary": summary, "security": [],
            "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "the picture", "content": {"image/*": {}}}, **_errors("404")}}}
    for path, summary in (("/health", "The server runs"), ("/ready", "The server takes requests"),
                          ("/metrics", "Counts, for Prometheus")):
        paths[path] = {"get": {"summary": summary, "security": [], "responses": {"200": {"description": summary}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "faceswap serve", "version": _version(),
                 "description": "Face swap models by the API of Segmind, on an engine of your own."},
        "servers": [{"url": root}],
        "security": [{"key": []}] if needs_key else [],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "schemas": {**{record.__name__: record.json_schema() for record in REQUESTS.values()}, **_answers()},
        },
    }


POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What that page may do: look as it does."""


def page(document: Json) -> str:
    """The document as HTML, without scripts."""
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
             f"<title>{escape(document['info']['title'])}</title><style>{_STYLE}</style>"
             f"<h1>{escape(document['info']['title'])} {escape(document['info']['version'])}</h1>"
             f"<p>{escape(document['info']['description'])} "
             f"Machine-readable: <a href=openapi.json>openapi.json</a>.</p>"]
    if document["security"]:
        parts.append("<p>Send your key in the header <code>x-api-key</code>.</p>")
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>")
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = body.get("$ref", "").rpartition("/")[2]
            if name and path.startswith("/v2/"):
                parts.append(_table(schemas[name]))
            codes = "".join(f"<li><b>{code}</b> {escape(answer['description'])}"
                            for code, answer in operation["responses"].items())
            parts.append(f"<ul>{codes}</ul>")
    return "\n".join(parts)


_STYLE = ("body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
          "h2{margin-top:2rem;font-size:1.1rem}table{border-collapse:collapse;display:block;overflow-x:auto}"
          "td,th{border:1px solid #8888;padding:.2rem .5rem;text-align:left;vertical-align:top}"
          ":root{color-scheme:light dark}")


def _table(schema: Json) -> str:
    rows = []
    for name, field in schema["properties"].items():
        takes = ", ".join(field["enum"]) if "enum" in field else field.get("type", "")
        if "minimum" in field:
            takes = f"{takes} {field['minimum']:g} to {field['maximum']:g}"
        default = "required" if name in schema["required"] else json.dumps(field.get("default"))
        rows.append(f"<tr><td><code>{escape(name)}</code><td>{escape(takes)}<td>{escape(default)}"
                    f"<td>{escape(field['description'])}")
    return f"<table><tr><th>field<th>takes<th>default<th>meaning{''.join(rows)}</table>"


def _answers() -> Json:
    metrics = {"type": "object", "properties": {"inference_time": {"type": "number"}}}
    states = {"type": "string", "enum": ["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]}
    text: Json = {"type": "string"}
    return {
        "Submitted": _object(request_id=text, status=states, status_url=text, response_url=text),
        "State": _object(_optional={"error": text}, status=states, request_id=text, metrics=metrics),
        "Result": _object(_optional={
            "error": {"type": ["string", "null"]}, "output": {"type": "string", "description": "URL or base64 text"},
            "warnings": {"type": "array", "items": text}}, status=states, request_id=text, metrics=metrics),
        "Error": _object(error=text),
    }


def _object(_optional: Json | None = None, **properties: Json) -> Json:
    return {"type": "object", "properties": {**properties, **(_optional or {})}, "required": list(properties)}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(text: str, name: str) -> Json:
    return {"description": text, "content": {"application/json": {"schema": _reference(name)}}}


def _errors(*codes: str) -> Json:
    return {code: _json(_ERRORS[code], "Error") for code in codes}


def _version() -> str:
    try:
        return version("faceswap-cli")
    except PackageNotFoundError:
        return "unknown"
