"""Reads OTLP bodies as JSON lines from standard input and holds each against OpenTelemetry's own schema: one JSON line an answer."""

import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"/v1/logs": ExportLogsServiceRequest, "/v1/traces": ExportTraceServiceRequest}


def held(path, body):
    try:
        read = json_format.ParseDict(body, REQUESTS[path](), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        return {"error": str(error)}
    return {"read": json_format.MessageToDict(read)}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(held(asked["path"], asked["body"])))
