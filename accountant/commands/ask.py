"""`accountant ask KIND …`: the accounting queries, asked of a running accountant."""

import json
from typing import Annotated, Any

import typer

from accountant.commands.ask_shown import shown_proposal, shown_quote, shown_result, status_of, status_of_proposal
from accountant.commands.contract_service import ARGUMENTS_MAY_BE_NEGATIVE, Api, ApiKey, Json, open_client
from accountant.commands.place import HEAD, At, position_of

app = typer.Typer(
    no_args_is_help=True, help="Ask accounting queries. Exit status: 0 yes or a value, 1 no, 3 undecided."
)

_WAIT_S = 30
_ANSWER_S = 3_600.0

Account = Annotated[str, typer.Argument(help="A user's address, or a contract's id.")]
Amount = Annotated[int, typer.Argument(min=0, help="Base units.")]
Transaction = Annotated[str, typer.Argument(help="The transaction's hash.")]
Contract = Annotated[str, typer.Argument(help="The contract's id.")]
Budget = Annotated[int | None, typer.Option(min=0, help="The most gas to execute; without it, whatever it takes.")]
Swear = Annotated[bool, typer.Option("--swear", help="Publish the answer as an oath on the chain.")]
Together = Annotated[bool, typer.Option("--together", help="The oath may have other answers too, under one penalty.")]
Beneficiary = Annotated[
    str | None, typer.Option(help="A user who gets the smaller half of the penalty if the answer is false.")
]
Quote = Annotated[bool, typer.Option("--quote", help="Tell what the answer would cost, and execute nothing.")]


class _Asking:
    """The options that all queries have."""

    def __init__(
        self, gas_budget: int | None, quote: bool, api: str | None, api_key: str | None, as_json: bool
    ) -> None:
        self._fields = {} if gas_budget is None else {"gas_budget": str(gas_budget)}
        self._quote, self._as_json = quote, as_json
        self._client = open_client(api, api_key, _WAIT_S)

    def __call__(self, kind: str, at: str | None = None, swear: bool | dict[str, Any] = False, **fields: Any) -> None:
        """Asks, prints, and ends with the answer's exit status."""
        with self._client as client:
            if at is not None:
                fields["position"] = position_of(client, at)
            if self._quote:
                quote = client.quote(kind, **fields, **self._fields)
                typer.echo(json.dumps(quote) if self._as_json else "\n".join(shown_quote(quote)))
                return
            result = client.result(client.query(kind, **fields, **self._fields, swear=swear), _ANSWER_S)
        typer.echo(json.dumps(result) if self._as_json else "\n".join(shown_result(result)))
        raise typer.Exit(status_of(result))


def _wish(swear: bool, together: bool, beneficiary: str | None) -> bool | dict[str, Any]:
    """What the API is told of an oath. How it is sworn is a wish for one."""
    if not together and beneficiary is None:
        return swear
    return {"together": together, "beneficiary": beneficiary}


@app.command()
def balance_at_least(
    account: Account,
    amount: Amount,
    at: At = HEAD,
    gas_budget: Budget = None,
    swear: Swear = False,
    together: Together = False,
    beneficiary: Beneficiary = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Does the account own at least this much, zero-cost and general money together?"""
    ask = _Asking(gas_budget, quote, api, api_key, as_json)
    ask("balance_at_least", at, _wish(swear, together, beneficiary), account=account, amount=str(amount))


@app.command()
def transaction_succeeded(
    transaction: Transaction,
    gas_budget: Budget = None,
    swear: Swear = False,
    together: Together = False,
    beneficiary: Beneficiary = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Did the transaction settle (Algorithm 4, Pay)?"""
    ask = _Asking(gas_budget, quote, api, api_key, as_json)
    ask("transaction_succeeded", swear=_wish(swear, together, beneficiary), transaction=transaction)


@app.command()
def income(
    transaction: Transaction,
    account: Account,
    gas_budget: Budget = None,
    swear: Swear = False,
    together: Together = False,
    beneficiary: Beneficiary = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """What did the transaction bring to the account, in base units?"""
    ask = _Asking(gas_budget, quote, api, api_key, as_json)
    ask("income", swear=_wish(swear, together, beneficiary), transaction=transaction, account=account)


@app.command()
def storage(
    contract: Contract,
    slot: Annotated[str, typer.Argument(help="The slot's key: 0x and two hexadecimal digits each byte.")],
    at: At = HEAD,
    gas_budget: Budget = None,
    swear: Swear = False,
    together: Together = False,
    beneficiary: Beneficiary = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """What is in the contract's slot? Empty where nothing was written."""
    ask = _Asking(gas_budget, quote, api, api_key, as_json)
    ask("storage", at, _wish(swear, together, beneficiary), contract=contract, slot=slot)


@app.command(context_settings=ARGUMENTS_MAY_BE_NEGATIVE)
def view(
    contract: Contract,
    function: Annotated[str, typer.Argument(help="The function to ask.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    at: At = HEAD,
    gas_limit: Annotated[int | None, typer.Option(min=0, help="The most gas of the function itself.")] = None,
    gas_budget: Budget = None,
    swear: Swear = False,
    together: Together = False,
    beneficiary: Beneficiary = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """What does the contract's function return? `accountant contract view` knows the names of its types."""
    limit = {} if gas_limit is None else {"gas_limit": str(gas_limit)}
    ask = _Asking(gas_budget, quote, api, api_key, as_json)
    ask(
        "view",
        at,
        _wish(swear, together, beneficiary),
        contract=contract,
        function=function,
        arguments=arguments or [],
        **limit,
    )


@app.command()
def lower_bound(
    account: Account,
    at: At = HEAD,
    gas_budget: Budget = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """What does the account own at least? Without a budget what is known already; never sworn."""
    _Asking(gas_budget, quote, api, api_key, as_json)("lower_bound", at, account=account)


@app.command()
def exact_balance(
    account: Account,
    at: At = HEAD,
    gas_budget: Budget = None,
    quote: Quote = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """What does the account own? May execute all that ever moved its general balance; never sworn."""
    _Asking(gas_budget, quote, api, api_key, as_json)("exact_balance", at, account=account)


@app.command()
def theta(
    account: Account,
    amount: Amount,
    at: At = HEAD,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Which incomes show, most cheaply, that the account can pay so much general money? Executes nothing."""
    with open_client(api, api_key, _WAIT_S) as client:
        found = client.propose_theta("amount", account=account, amount=str(amount), position=position_of(client, at))
    typer.echo(json.dumps(found) if as_json else "\n".join(shown_proposal(found)))
    raise typer.Exit(status_of_proposal(found))
