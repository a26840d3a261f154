"""moto's server with JSONata: its Step Functions interpreter has a place for an evaluator, and none in it."""

import json

import jsonata
from moto.server import main
from moto.stepfunctions.parser.asl.jsonata import jsonata as place
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def evaluate(expression):
    """JSON in JSON's own types; an expression that fails does so as moto expects it."""
    try:
        return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
    except Exception as error:
        raise place.JSONataException("UNKNOWN", str(error)) from error


def declare(bindings):
    """`$name:=<value>;` with strings escaped, which moto leaves out."""
    return "".join(f"{name}:={to_json_str(value)};" for name, value in bindings.items())


place._eval_jsonata = evaluate
place.encode_jsonata_variable_declarations = declare
main()
