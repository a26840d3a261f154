"""moto's server with what it lacks: of Step Functions an evaluator of JSONata and the cause of a failed task, of DynamoDB
the request tokens of transactions."""

import json
from collections import OrderedDict
from functools import wraps

import jsonata
from moto.core.responses import EmptyResult
from moto.dynamodb.responses import DynamoHandler
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


REMEMBERED = 10_000
answered = OrderedDict()


def once(transact):
    """A request token makes a transaction that comes again, because its answer was lost, do nothing and succeed."""

    @wraps(transact)
    def remembered(self):
        token = self.body.get("ClientRequestToken")
        if token is not None and token in answered:
            return answered[token]
        result = transact(self)
        if token is not None:
            answered[token] = result
            if len(answered) > REMEMBERED:
                answered.popitem(last=False)
        return result

    return remembered


DynamoHandler.transact_write_items = once(DynamoHandler.transact_write_items)
place._eval_jsonata = evaluate
place.encode_jsonata_variable_declarations = declare
StepFunctionResponse.send_task_failure = send_task_failure
main()
