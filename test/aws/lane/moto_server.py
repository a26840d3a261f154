"""moto's server with what its Step Functions lacks: an evaluator of JSONata, and the cause of a failed task."""

import json

import jsonata
from moto.core.responses import EmptyResult
from moto.server import main
from moto.stepfunctions.parser.asl.jsonata import jsonata as place
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.responses import StepFunctionResponse


def evaluate(expression):
    """JSON in JSON's own types; an expression that fails does so as moto expects it."""
    try:
        return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
    except Exception as error:
        raise place.JSONataException("UNKNOWN", str(error)) from error


def declare(bindings):
    """`$name:=<value>;` with strings escaped, which moto leaves out."""
    return "".join(f"{name}:={to_json_str(value)};" for name, value in bindings.items())


def send_task_failure(self):
    """As moto's own, which drops the cause."""
    given = {name: self._get_param(name) for name in ("error", "cause")}
    self.stepfunction_backend.send_task_failure(self._get_param("taskToken"), **given)
    return EmptyResult()


place._eval_jsonata = evaluate
place.encode_jsonata_variable_declarations = declare
StepFunctionResponse.send_task_failure = send_task_failure
main()
