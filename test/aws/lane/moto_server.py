"""moto's server with what it lacks: of Step Functions an evaluator of JSONata and the cause of a failed task, of DynamoDB
the request tokens of transactions, and transactions that cost what they write."""

import copy
import json
from collections import OrderedDict, defaultdict
from functools import wraps

import jsonata
from moto.core.responses import EmptyResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
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


def snapshot(table, _memo):
    """The rows by reference. moto copies the table with its whole stream, once for each item of a transaction."""
    kept = copy.copy(table)
    rows = {key: dict(row) if table.has_range_key else row for key, row in table.items.items()}
    kept.items = defaultdict(dict, rows)
    return kept


def all_or_nothing(transact):
    """A transaction that is cancelled leaves rows and stream as they were, and the stream's readers theirs."""

    @wraps(transact)
    def undone(self, transact_items):
        operations = [(kind, said) for item in transact_items for kind, said in item.items()]
        names = {said.get("TableName") for _, said in operations}
        tables = {name: self.tables[name] for name in names if name in self.tables}
        told = {name: len(table.stream_shard.items) for name, table in tables.items() if table.stream_shard}
        # An update changes the row itself.
        updated = [
            (said["TableName"], copy.deepcopy(self.get_item(said["TableName"], said["Key"])))
            for kind, said in operations
            if kind == "Update" and said.get("TableName") in tables
        ]
        try:
            return transact(self, transact_items)
        except Exception:
            for name, table in tables.items():
                table.items = self.tables[name].items
                self.tables[name] = table
                if name in told:
                    del table.stream_shard.items[told[name] :]
            for name, row in updated:
                if row is None:
                    continue
                if tables[name].has_range_key:
                    tables[name].items[row.hash_key][row.range_key] = row
                else:
                    tables[name].items[row.hash_key] = row
            raise

    return undone


Table.__deepcopy__ = snapshot
DynamoDBBackend.transact_write_items = all_or_nothing(DynamoDBBackend.transact_write_items)
DynamoHandler.transact_write_items = once(DynamoHandler.transact_write_items)
place._eval_jsonata = evaluate
place.encode_jsonata_variable_declarations = declare
StepFunctionResponse.send_task_failure = send_task_failure
main()
