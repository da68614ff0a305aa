"""Templates of single constructs: what follows from the arguments, what has to be stated, and how that is told."""

import pytest

from accountant.chain.envelope import (
    AmountArg,
    AmountLiteral,
    AmountValue,
    Arg,
    Callers,
    FunctionEnvelope,
    Hashed,
    Literal,
    OpenAccess,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.language.compiler import Compiled, compile_source
from accountant.language.errors import ContractError
from accountant.language.interface import FunctionInterface
from accountant.primitives.hashes import sha256

HEAD = """from accountant.language import (
    Account, Address, Cid, Contract, Event, Hash, Interface, Map, bound, bounds, caller, calls, credits, debits,
    deployer, direct, elsewhere, export, gas, log, nested, now, only, pay, payable, queries, query, reads, self_id,
    sender, sha256, touches, value, view, writes, zero_cost,
)

total: int
owner: Account
balances: Map[Account, int]
allowed: Map[Account, Map[Account, int]]
orders: Map[int, Account]
named: Map[str, int]
homes: Map[Address, int]
texts: Map[int, str]


class Other(Interface):
    def give(self, units: int) -> bool:
        elsewhere()


"""
BEGIN = HEAD.count("\n")


def compiled(body: str) -> Compiled:
    return compile_source((HEAD + body).encode(), "shop.py")


def function(body: str, name: str = "run") -> FunctionEnvelope:
    found = compiled(body).envelope.function(name)
    assert found is not None
    return found


def shown(body: str, name: str = "run") -> FunctionInterface:
    found = compiled(body).interface.function(name)
    assert found is not None
    return found


def refused(body: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        compiled(body)
    return caught.value


def line(error: ContractError) -> int:
    """Counted from the first line behind `HEAD`."""
    return error.place.line - BEGIN


RUN = "@export\n@direct\n"


def test_keys_are_spelled_over_sender_arguments_and_own_id() -> None:
    """Every form of key that follows from a call has its template."""
    made = function(
        RUN + "def run(to: Account, number: int, name: str) -> None:\n"
        "    balances[caller()] = 1\n"
        "    balances[self_id()] = 2\n"
        "    allowed[to][sender()] = 3\n"
        "    orders[number] = to\n"
        "    orders[-1] = to\n"
        "    named[name] = 4\n"
        '    named["rent"] = 5\n'
    )
    on = (Self(),)
    write = TemplateKind.WRITE
    assert made.template == (
        TemplateEntry(write, on, (Literal(b"balances:"), Sender())),
        TemplateEntry(write, on, (Literal(b"balances:"), Self())),
        TemplateEntry(write, on, (Literal(b"allowed:"), Hashed((Arg(0),)), Sender())),
        TemplateEntry(write, on, (Literal(b"orders:"), Arg(1))),
        TemplateEntry(write, on, (Literal(b"orders:" + b"\xff" * 8),)),
        TemplateEntry(write, on, (Literal(b"named:"), Hashed((Arg(2),)))),
        TemplateEntry(write, on, (Literal(b"named:" + sha256(b"rent")),)),
    )
    assert made.complete


def test_helpers_are_followed_with_their_arguments() -> None:
    """A helper's touches are those of its callers' arguments; what it returns is known where it follows from them."""
    made = shown(
        RUN + "def run(to: Account, units: int) -> None:\n"
        "    move(caller(), to, units)\n"
        "    balances[first(to, caller())] += 1\n"
        "\n\ndef move(source: Account, to: Account, units: int) -> None:\n"
        "    balances[source] -= units\n"
        "    balances[to] += units\n"
        "\n\ndef first(one: Account, other: Account) -> Account:\n"
        "    return one\n"
    )
    assert made.touches == (
        "reads balances[sender]",
        "writes balances[sender]",
        "reads balances[to]",
        "writes balances[to]",
    )
    assert made.complete


def test_both_branches_count_and_constant_ones_do_not() -> None:
    """A condition that depends on anything adds what both of its branches touch; a constant one only its own."""
    made = shown(
        RUN + "def run(to: Account, up: bool) -> None:\n"
        "    if up:\n        orders[1] = to\n    else:\n        orders[2] = to\n"
        "    switch(3, to)\n"
        "\n\ndef switch(mode: int, to: Account) -> None:\n"
        "    if mode == 3:\n        orders[3] = to\n    else:\n        orders[4] = to\n"
    )
    assert made.touches == ("writes orders[1]", "writes orders[2]", "writes orders[3]")


def test_what_branches_leave_different_is_not_known() -> None:
    """A local that two paths left different cannot name a slot."""
    error = refused(
        RUN + "def run(to: Account, up: bool) -> None:\n"
        "    who = caller()\n"
        "    if up:\n        who = to\n"
        "    balances[who] = 1\n"
    )
    assert line(error) == 7
    assert error.what == "the slot of balances[...] does not follow from the arguments"
    assert error.instead == "write @touches(writes(balances, most=…)) above run"


def test_what_a_loop_assigns_is_not_known_in_it() -> None:
    """Neither before nor behind its assignment, in any turn, nor after the loop."""
    body = "def run(to: Account) -> None:\n    who = caller()\n    for _ in range(3):\n"
    for inside in ("        balances[who] = 1\n        who = to\n", "        who = to\n    balances[who] = 1\n"):
        assert "balances[...]" in refused(RUN + body + inside).what
    assert shown(RUN + body + "        balances[to] += 1\n").complete


def test_exclusive_payments_need_the_larger_cap_and_others_the_sum() -> None:
    """Caps are the most along any path, expression by expression."""
    made = function(
        RUN + "@payable\ndef run(to: Account, units: int, more: bool) -> None:\n"
        "    pay(to, units)\n"
        "    if more:\n        pay(to, 7)\n        pay(to, units)\n"
        "    else:\n        pay(to, 3)\n        pay(to, value())\n"
        "    pay(to, 10)\n"
    )
    caps = [entry.cap for entry in made.template if entry.kind is TemplateKind.DEBIT]
    assert sorted(caps, key=repr) == sorted([AmountArg(1), AmountArg(1), AmountLiteral(17), AmountValue()], key=repr)
    assert all(entry.on == (Self(),) for entry in made.template if entry.kind is TemplateKind.DEBIT)


@pytest.mark.parametrize(("then", "otherwise"), [("pass", "pay(to, 5)"), ("pay(to, 5)", "pass")])
def test_what_either_branch_paid_counts_behind_it(then: str, otherwise: str) -> None:
    """A payment after a branch adds to the dearer one, whichever of the two that is."""
    body = f"def run(to: Account, more: bool) -> None:\n    if more:\n        {then}\n    else:\n        {otherwise}\n"
    made = function(RUN + body + "    pay(to, 3)\n")
    caps = [entry.cap for entry in made.template if entry.kind is TemplateKind.DEBIT]
    assert caps == [AmountLiteral(8)]


@pytest.mark.parametrize(
    ("payment", "what"),
    [
        ("pay(to, total)", "the amount that is paid"),
        ("pay(to, value() - 1)", "the amount that is paid"),
        ("for _ in range(2):\n        pay(to, 1)", "the amount that is paid"),
        ("pay(owner, 1)", "the account that is paid"),
    ],
)
def test_open_payments_are_told(payment: str, what: str) -> None:
    """An amount that depends on the state, or on how often, and an account that does."""
    error = refused(RUN + f"@payable\ndef run(to: Account) -> None:\n    {payment}\n")
    assert error.what == f"{what} does not follow from the arguments"


def test_a_helper_that_pays_in_a_loop_pays_an_open_amount() -> None:
    """Once outside of loops it pays what it says, in a loop as often as the loop turns."""
    helper = "\n\ndef give(to: Account) -> None:\n    pay(to, 1)\n"
    once = function(RUN + "@payable\ndef run(to: Account) -> None:\n    give(to)\n" + helper)
    assert [entry.cap for entry in once.template if entry.kind is TemplateKind.DEBIT] == [AmountLiteral(1)]
    looped = "@payable\ndef run(to: Account) -> None:\n    for _ in range(2):\n        give(to)\n"
    assert refused(RUN + looped + helper).what == "the amount that is paid does not follow from the arguments"


def test_everything_that_a_function_lacks_is_asked_for_at_once() -> None:
    """One error names the first touch and all statements of the function, ready to be copied."""
    error = refused(
        RUN + "def run(who: int) -> None:\n"
        "    found = orders[who]\n"
        "    balances[found] += 1\n"
        "    pay(owner, total)\n"
        "    Other(Contract(found)).give(1)\n"
    )
    assert line(error) == 5
    statements = "reads(balances, most=…), writes(balances, most=…), credits(most=…), calls(most=…), debits(…)"
    assert error.instead == f"write @touches({statements}) above run"


def test_a_missing_statement_joins_those_that_are_there() -> None:
    """Where a function has `@touches`, what lacks is to be added there."""
    error = refused(RUN + "@touches(reads(balances, 2))\ndef run() -> None:\n    balances[owner] += 1\n")
    assert error.instead == "add writes(balances, most=…) to the @touches above run"


def test_statements_open_prefixes_and_counts() -> None:
    """What is stated is open for the function's own calls; it is not complete then."""
    made = compiled(
        RUN + "@touches(reads(balances, 2), writes(balances, 3))\ndef run() -> None:\n    balances[owner] += 1\n"
    ).envelope
    assert not made.functions[0].complete
    assert made.open == OpenAccess((b"balances:",), (b"balances:",), 2, 3, 0, False)


def test_a_stated_cap_replaces_the_derived_one() -> None:
    """By number, by argument, by the value that came; the function stays complete."""
    for stated, cap in (("12", AmountLiteral(12)), ('"units"', AmountArg(1)), ('"value"', AmountValue())):
        made = function(
            RUN + f"@payable\n@touches(debits({stated}))\ndef run(to: Account, units: int) -> None:\n"
            "    pay(to, units // 2)\n"
        )
        assert [entry.cap for entry in made.template if entry.cap is not None] == [cap]
        assert made.complete


def test_statements_that_nothing_needs_are_refused() -> None:
    """They would open a contract for nothing; the line is the statement's."""
    error = refused(RUN + "@touches(reads(balances, 2))\ndef run() -> None:\n    balances[caller()] += 1\n")
    assert line(error) == 3 and "needs no reads(balances)" in error.what
    assert "needs no debits" in refused(RUN + "@touches(debits(2))\ndef run() -> None:\n    pass\n").what
    assert (
        "stated twice"
        in refused(
            RUN + "@touches(reads(balances, 2), reads(balances, 3))\ndef run() -> int:\n    return balances[owner]\n"
        ).what
    )


def test_calls_of_other_contracts_are_always_stated() -> None:
    """What they touch there does not follow from here, even if the contract does."""
    error = refused(RUN + "def run(to: Contract) -> bool:\n    return Other(to).give(1)\n")
    assert error.instead == "write @touches(calls(most=…)) above run"
    made = shown(RUN + "@touches(calls(1))\ndef run(to: Contract) -> bool:\n    return Other(to, value=5).give(1)\n")
    assert made.touches == (
        "calls to",
        "credits to",
        "calls at most 1 other contracts, with what they touch",
        "pays at most 5",
    )
    assert not made.complete


def test_views_need_no_statements_and_open_nothing() -> None:
    """A view is evaluated without a footprint; what it touches openly is shown all the same."""
    made = compiled("@view\ndef run() -> int:\n    return balances[owner]\n")
    assert made.interface.functions[0].touches == (
        "reads owner",
        "reads any number of slots of balances that depend on the state",
    )
    assert not made.envelope.functions[0].complete
    assert made.envelope.open == OpenAccess((b"owner:",), (), 1, 0, 0, True)


def test_functions_that_other_contracts_reach_are_open_as_often_as_they_say() -> None:
    """Entries times calls, over all functions that are not direct; where it pays, the author says how much."""
    both = "@export\n@nested(3)\ndef run(to: Account) -> None:\n    balances[caller()] -= 1\n    balances[to] += 1\n"
    made = compiled(both + "\n\n@view\ndef get() -> int:\n    return total\n")
    assert made.envelope.open == OpenAccess((b"balances:", b"total:"), (b"balances:",), 7, 6, 0, True)
    paying = "def run(to: Account) -> None:\n    pay(to, 5)\n"
    error = refused("@export\n" + paying)
    assert line(error) == 2 and "@direct" in error.instead and "@nested" in error.instead
    assert compiled("@export\n@nested(1, debits=5)\n" + paying).envelope.open.debit_most == 5
    assert not compiled("@export\n@direct\n" + paying).envelope.open.callable


def test_certain_reads_end_where_a_call_can_end() -> None:
    """Reads before the first thing that can fail, on all paths, whose slot the call did not write before."""
    made = shown(
        RUN + "def run(to: Account, units: int) -> None:\n"
        "    if balances[caller()] > 0:\n        units = balances[to]\n"
        "    high = min(total, units)\n"
        '    named["a"] = 1\n'
        '    low = named["b"]\n'
        '    assert allowed[to][to] > high, "x"\n'
        "    homes[sender()] += low\n"
    )
    assert made.certain == ("reads balances[sender]", "reads total", "reads allowed[to][to]")


def test_a_return_on_some_paths_ends_what_is_certain() -> None:
    """As do a loop and a payment; what helpers do counts as if it stood in the function."""
    early = RUN + "def run(stop: bool) -> int:\n    if stop:\n        return 0\n    return total\n"
    assert shown(early).certain == ()
    assert shown(RUN + "def run() -> int:\n    for _ in range(2):\n        pass\n    return total\n").certain == ()
    assert shown(RUN + "def run(to: Account) -> int:\n    pay(to, 1)\n    return total\n").certain == ()
    helper = "\n\ndef ready() -> bool:\n    return total > 0\n"
    assert shown(
        RUN + "def run() -> int:\n    if ready():\n        return 1\n    return homes[sender()]\n" + helper
    ).certain == ("reads total",)
    late = 'def run(units: int) -> bool:\n    assert units > 0, "x"\n    return ready()\n'
    assert shown(RUN + late + helper).certain == ()
    checks = '\n\ndef check(units: int) -> None:\n    assert units > 0, "x"\n'
    assert shown(RUN + "def run(units: int) -> int:\n    check(units)\n    return total\n" + checks).certain == ()


def test_the_envelope_says_what_decorators_say() -> None:
    """Callers, gas, value, zero-cost money."""
    made = function("@export\n@only(deployer)\n@gas(least=10, most=20)\ndef run() -> None:\n    pass\n")
    assert (made.callers, made.gas_least, made.gas_most, made.payable) == (Callers.DEPLOYER, 10, 20, False)
    made = function("@export\n@zero_cost\ndef run() -> None:\n    pass\n")
    assert made.payable and made.zero_cost
    listed = function(f'@export\n@direct\n@only("0x{"ab" * 32}")\ndef run() -> None:\n    pass\n')
    assert (listed.callers, listed.listed, listed.direct) == (Callers.LISTED, (b"\xab" * 32,), True)


def test_a_conversion_that_only_some_calls_make_is_not_known() -> None:
    """Otherwise a call that never converts would be refused for an argument of another length."""
    body = "def run(raw: bytes) -> None:\n    if len(raw) == 20:\n        balances[Account(raw)] = 1\n"
    assert "balances[...]" in refused(RUN + body).what
    assert shown(RUN + "def run(raw: bytes) -> None:\n    balances[Account(raw)] = 1\n").touches == (
        "writes balances[raw]",
    )


def test_queries_and_bounds_have_templates() -> None:
    """A query that only some calls ask has to be stated: a footprint with what is no query is refused whole."""
    made = shown(RUN + 'def run(who: Account, asked: bytes) -> int:\n    query(asked)\n    return bound(who, b"")\n')
    assert made.touches == ("asks asked", "bounds who") and made.complete
    error = refused(RUN + "def run(asked: bytes) -> None:\n    if len(asked) > 0:\n        query(asked)\n")
    assert error.instead == "write @touches(queries(most=…)) above run"
    loop = "    for turn in range(9):\n        if turn == 5:\n            return\n"
    body = "def run(asked: bytes) -> None:\n" + loop
    assert refused(RUN + body + "    query(asked)\n").instead == error.instead


def test_templates_keep_to_the_chain_limits() -> None:
    """Too many entries are told at the touch that is one too many; hashes too deep cannot name a slot."""
    many = "".join(f"    orders[{number}] = to\n" for number in range(257))
    error = refused(RUN + "def run(to: Account) -> None:\n" + many)
    assert line(error) == 3 + 257 and "256 entries" in error.what
    deep = "sha256(" * 5 + "raw" + ")" * 5
    assert "named" in refused(RUN + f"def run(raw: bytes) -> None:\n    named[{deep}.hex()] = 1\n").what


def test_walking_is_bounded() -> None:
    """Helpers that call each other twice with ever new constants end in an error, not in hours."""
    helpers = "".join(
        f"\n\ndef h{level}(n: int) -> int:\n    return h{level + 1}(n * 2) + h{level + 1}(n * 2 + 1)\n"
        for level in range(30)
    )
    error = refused(
        RUN + "def run() -> int:\n    return h0(1)\n" + helpers + "\n\ndef h30(n: int) -> int:\n    return n\n"
    )
    assert "too many ways" in error.what


def test_the_same_helpers_are_walked_once() -> None:
    """With the same symbols a helper is not walked again, so a chain of doublings is cheap."""
    helpers = "".join(
        f"\n\ndef h{level}(n: int) -> int:\n    return h{level + 1}(n) + h{level + 1}(n)\n" for level in range(30)
    )
    last = "\n\ndef h30(n: int) -> int:\n    return n + total\n"
    assert shown(RUN + "def run(n: int) -> int:\n    return h0(n)\n" + helpers + last).touches == ("reads total",)


def test_helpers_may_call_each_other_thirty_deep_and_not_without_end() -> None:
    """What Python's own stack has to hold is bounded, whoever compiles."""

    def chain(body: str) -> str:
        helpers = "".join(
            f"\n\ndef h{level}(n: int) -> int:\n{body.format(call=f'h{level + 1}(n)')}\n" for level in range(30)
        )
        last = "\n\ndef h30(n: int) -> int:\n    return n + total\n"
        return RUN + "def run(n: int) -> int:\n    return h0(n)\n" + helpers + last

    assert shown(chain("    return {call} + 1")).touches == ("reads total",)
    nested = "    if n > 0:\n        if n > 1:\n            if n > 2:\n                return {call} + 1\n    return 0"
    assert "nest too deep" in refused(chain(nested)).what


def test_only_so_many_variables_can_be_open() -> None:
    """An envelope holds 64 prefixes; the author is told what to do."""
    names = [f"v{at}" for at in range(65)]
    stored = "".join(f"{name}: int\n" for name in names)
    body = "@export\ndef run() -> int:\n    return " + " + ".join(names) + "\n"
    with pytest.raises(ContractError) as caught:
        compile_source(f"from accountant.language import export\n\n{stored}\n\n{body}".encode(), "wide.py")
    assert caught.value.place.line == 67 and "@direct" in caught.value.instead
