"""Worst cases of the host table's rows, by size."""

from accountant.chain.envelope import ArgumentKind
from accountant.chain.footprint import Bound, Call, Credit, Debit, Query, Read, Write
from accountant.contracts.world import ContractCode
from benchmarks.metering_runs import (
    MAIN,
    MIB,
    PRICES,
    REFERENCE,
    SENDER,
    Case,
    Given,
    contract,
    envelope,
    escaped,
    host,
    loop,
    main_of,
    runner,
    wasm,
    whole,
)

A, B, C = "(local.get $a)", "(local.get $b)", "(local.get $c)"
ARGUMENT = "(local.set $a (call $arg_bytes (i64.const 0)))"
TWO = ARGUMENT + "(local.set $b (call $arg_bytes (i64.const 1)))"
BIG, OTHER, SMALL = bytes(MIB), bytes(bytearray(MIB)), b"x" * 20
"""`OTHER` equals `BIG` and is another object, so that comparing them reads both."""


def i64(number: int) -> str:
    """A constant."""
    return f"(i64.const {number})"


def _context() -> list[Case]:
    one = Given(ARGUMENT, arguments=(SMALL,))
    cases = [
        host(row, row, f"(drop (call ${row}))")
        for row in (
            *("arg_count", "caller", "sender", "self", "value", "height", "index", "time", "previous_hash"),
            "args_new",
        )
    ]
    many = tuple(bytes([n % 256]) for n in range(1_000))
    asked = "".join(f"(drop (call $arg_bytes (i64.const {n})))" for n in range(1_000))
    cases += [
        host(REFERENCE, "arg_int", "(drop (call $arg_int (i64.const 0)))", 20_000, Given(arguments=(7,))),
        host("arg_bytes", "arg_bytes", "(drop (call $arg_bytes (i64.const 0)))", given=one),
        Case(
            "arg_bytes, 1,000 of them",
            "arg_bytes",
            runner(wasm(main_of(asked)), arguments=many),
            runner(wasm(main_of("(nop)")), arguments=many),
        ),
        host("return_int", "return_int", "(call $return_int (i64.const 1))"),
        host("return_bytes", "return_bytes", f"(call $return_bytes {A})", given=one),
    ]
    reason = runner(wasm(main_of(ARGUMENT + f"(call $fail {A})")), arguments=(b"\xff" * 256,), fails=True)
    return [*cases, whole("fail, 256 strange bytes, whole run", "fail", reason, PRICES.call_base)]


def _bytes() -> list[Case]:
    small = Given(TWO, arguments=(SMALL, b"y" * 20))
    one = Given(ARGUMENT, arguments=(BIG,))
    two = Given(TWO, arguments=(BIG, OTHER))
    half = Given(ARGUMENT, arguments=(BIG[: MIB // 2],))
    doubling = f"(local.set $a (call $arg_bytes (i64.const 0))) {f'(local.set $a (call $bytes_concat {A} {A}))' * 20}"
    memory = Given(TWO, arguments=(BIG, SMALL), pages=17)
    new = "(drop (call $bytes_new (i32.const 0) (i32.const {})))"
    read = "(call $bytes_read {} (i64.const 0) (i32.const 0) (i32.const {}))"
    cases = [
        host("bytes_new, 1 MiB", "bytes_new", new.format(MIB), 10, memory),
        host("bytes_new, empty, 100,000 handles", "bytes_new", new.format(0), 100_000),
        host("bytes_read, 1 MiB", "bytes_read", read.format(A, MIB), 10, memory),
        host("bytes_read, 1 byte", "bytes_read", read.format(B, 1), given=memory),
        host("bytes_len", "bytes_len", f"(drop (call $bytes_len {A}))", given=one),
        host("bytes_at", "bytes_at", f"(drop (call $bytes_at {A} (i64.const 9)))", given=one),
        host("bytes_concat, 20 bytes", "bytes_concat", f"(drop (call $bytes_concat {A} {B}))", given=small),
        host("bytes_concat, half and half", "bytes_concat", f"(drop (call $bytes_concat {A} {A}))", 10, half),
        host("bytes_concat, doubled to 1 MiB", "bytes_concat", doubling, 5, Given(arguments=(b"x",))),
        host("bytes_slice, 1 MiB", "bytes_slice", f"(drop (call $bytes_slice {A} {i64(1)} {i64(MIB - 1)}))", 10, one),
        host("bytes_slice, nothing", "bytes_slice", f"(drop (call $bytes_slice {A} {i64(MIB)} {i64(0)}))", given=one),
        host("bytes_from_int", "bytes_from_int", "(drop (call $bytes_from_int (i64.const -7)))"),
        host(
            "int_from_bytes",
            "int_from_bytes",
            f"(drop (call $int_from_bytes {A}))",
            given=Given(ARGUMENT, arguments=(bytes(8),)),
        ),
    ]
    for row in ("bytes_equal", "bytes_compare"):
        cases.append(host(f"{row}, 20 bytes", row, f"(drop (call ${row} {A} {B}))", given=small))
        cases.append(host(f"{row}, equal, 1 MiB", row, f"(drop (call ${row} {A} {B}))", 20, two))
    for row in ("sha256", "keccak256"):
        cases.append(host(f"{row}, 20 bytes", row, f"(drop (call ${row} {A}))", given=small))
        cases.append(host(f"{row}, 1 MiB", row, f"(drop (call ${row} {A}))", 5, one))
    return cases


def _text() -> list[Case]:
    cases = []
    texts = {"ASCII": "x", "é": "é", "語": "語", "four bytes": "\U0001f600", "mixed": "xé語\U0001f600"}
    for name, character in texts.items():
        count = MIB // len(character.encode())
        given = Given(ARGUMENT, arguments=((character * count).encode(),))
        end = i64(count * len(character) - 1)
        cases += [
            host(f"text_check, 1 MiB, {name}", "text_check", f"(call $text_check {A})", 5, given),
            host(f"text_len, 1 MiB, {name}", "text_len", f"(drop (call $text_len {A}))", 5, given),
            host(
                f"text_slice, end, 1 MiB, {name}",
                "text_slice",
                f"(drop (call $text_slice {A} {end} {i64(1)}))",
                5,
                given,
            ),
            host(
                f"text_slice, all, 1 MiB, {name}",
                "text_slice",
                f"(drop (call $text_slice {A} {i64(0)} {end}))",
                5,
                given,
            ),
        ]
    small = Given(ARGUMENT, arguments=("é".encode() * 10,))
    digits = Given(ARGUMENT, arguments=(b"-" + b"9223372036854775807".rjust(63, b"0"),))
    one = Given(ARGUMENT, arguments=(b"7",))
    return [
        *cases,
        host("text_check, 20 bytes", "text_check", f"(call $text_check {A})", given=small),
        host("text_len, 20 bytes", "text_len", f"(drop (call $text_len {A}))", given=small),
        host("text_slice, 20 bytes", "text_slice", f"(drop (call $text_slice {A} {i64(1)} {i64(8)}))", given=small),
        host("text_from_int", "text_from_int", "(drop (call $text_from_int (i64.const 0x8000000000000000)))"),
        host("int_from_text, 64 bytes", "int_from_text", f"(drop (call $int_from_text {A}))", given=digits),
        host("int_from_text, 1 byte", "int_from_text", f"(drop (call $int_from_text {A}))", given=one),
        host(
            "hex_from_bytes, 512 KiB",
            "hex_from_bytes",
            f"(drop (call $hex_from_bytes {A}))",
            5,
            Given(ARGUMENT, arguments=(BIG[: MIB // 2],)),
        ),
        host("hex_from_bytes, 1 byte", "hex_from_bytes", f"(drop (call $hex_from_bytes {A}))", given=one),
    ]


def _state() -> list[Case]:
    slot, friend = b"s" * 128, b"\xf0" * 20
    declared = (Read(MAIN, slot), Write(MAIN, slot), Read(MAIN, b"word"), Write(MAIN, b"word"))
    kept = {slot: BIG, b"word": bytes(8)}
    given = Given(TWO, entries=declared, arguments=(slot, BIG), slots=kept)
    word = Given(TWO, entries=declared, arguments=(b"word", b""), slots=kept)
    long = Given(TWO, entries=declared, arguments=(slot, b""), slots={slot: bytes(8)})
    names = [number.to_bytes(128, "big") for number in range(1_000)]
    many = tuple(Write(MAIN, name) for name in names)
    made = "(call $bytes_new (i32.wrap_i64 (i64.shl (local.get $i) (i64.const 7))) (i32.const 128))"
    write_all, make_all = f"(call $storage_write {made} (local.get $b))", f"(drop {made})"
    table = "".join(f'(data (i32.const {128 * at}) "{escaped(name)}")' for at, name in enumerate(names) if at < 250)
    slots_code = [wasm(table + main_of(TWO + loop(249, unit)), 2) for unit in (write_all, make_all)]
    distinct = [runner(code, many, (slot, b"")) for code in slots_code]
    pays = Given(ARGUMENT, entries=(Credit(friend), Debit(MAIN, 2**40)), arguments=(friend,))
    return [
        host("storage_read, 1 MiB", "storage_read", f"(drop (call $storage_read {A}))", 10, given),
        host("storage_read, 4-byte slot", "storage_read", f"(drop (call $storage_read {A}))", given=word),
        host("storage_read, 128-byte slot", "storage_read", f"(drop (call $storage_read {A}))", given=long),
        host("storage_write, 1 MiB", "storage_write", f"(call $storage_write {A} {B})", 10, given),
        host("storage_write, empty", "storage_write", f"(call $storage_write {A} {B})", given=word),
        Case("storage_write, 249 slots of 128 bytes", "storage_write", distinct[0], distinct[1]),
        host("storage_read_int", "storage_read_int", f"(drop (call $storage_read_int {A}))", given=word),
        host("storage_write_int", "storage_write_int", f"(call $storage_write_int {A} (i64.const -7))", given=word),
        host("transfer", "transfer", f"(call $transfer {A} (i64.const 1))", given=pays),
        host("log, empty", "log", f"(call $log {B} {B})", given=word),
        host("log, 128 bytes", "log", f"(call $log {A} {B})", 1_000, long),
        host("log, 8,000 bytes", "log", f"(call $log {A} {A})", 30, Given(ARGUMENT, arguments=(bytes(4_000),))),
        host(
            "bound, no income",
            "bound",
            f"(drop (call $bound {A} {B}))",
            given=Given(TWO, entries=(Bound(friend),), arguments=(friend, b"")),
        ),
        host(
            "bound, 1,000 incomes",
            "bound",
            f"(drop (call $bound {A} {B}))",
            20,
            Given(TWO, entries=(Bound(friend),), arguments=(friend, bytes(32_000))),
        ),
        host(
            "query",
            "query",
            f"(drop (call $query {A}))",
            given=Given(ARGUMENT, entries=(Query(b"q"),), arguments=(b"q",)),
        ),
    ]


def _calls() -> list[Case]:
    callee, one = contract(1), contract(2)
    kinds = (ArgumentKind.ACCOUNT,) * 32
    texts = (ArgumentKind.STR,) * 16
    codes = {
        bytes(callee): ContractCode(wasm(main_of("(call $return_int (i64.const 1))")), envelope(), SENDER),
        bytes(one): ContractCode(wasm(main_of("(call $return_bytes (call $self))"), 1), envelope(), SENDER),
        bytes(contract(3)): ContractCode(wasm(main_of("")), envelope(*kinds), SENDER),
        bytes(contract(4)): ContractCode(wasm(main_of("")), envelope(*texts), SENDER),
        bytes(contract(5)): ContractCode(wasm(main_of(""), 1, imports=False), envelope(), SENDER),
        bytes(contract(6)): ContractCode(wasm(main_of(""), 0, imports=False), envelope(), SENDER),
    }
    entries = tuple(Call(contract(number)) for number in range(1, 7))

    def calls(number: int, items: str = "") -> Given:
        setup = TWO + "(local.set $c (call $args_new))" + items
        arguments = (bytes(contract(number)), b"main", b"x" * 20)
        return Given(setup, entries=entries, arguments=arguments, codes=codes)

    call = f"(drop (call $call {A} {B} {C} (i64.const 0)))"
    account = "(local.set $x (call $arg_bytes (i64.const 2)))"
    item = f"(call $args_bytes {C} (local.get $x))"
    text = "(local.set $x (call $arg_bytes (i64.const 2)))"
    big = Given(
        TWO + "(local.set $c (call $args_new))" + text + item * 16,
        entries=entries,
        arguments=(bytes(contract(4)), b"main", "é".encode() * 30_000),
        codes=codes,
    )
    fill = f"(memory.fill (i32.const 0) (i32.const 255) (i32.const {MIB}))(drop (call $args_new))"
    name = f"(local.set $b (call $bytes_new (i32.const 0) (i32.const {MIB})))"
    unknown = runner(
        wasm(main_of(TWO + fill + name + "(local.set $c (call $args_new))" + call), 17),
        entries,
        calls(1).arguments,
        codes=codes,
        fails=True,
    )
    items = "(local.set $c (call $args_new))" + loop(100_000, f"(call $args_int {C} (i64.const 1))")
    many = runner(wasm(main_of(TWO + items + call)), entries, calls(1).arguments, codes=codes, fails=True)
    return [
        whole("call, name of 1 MiB, whole run", "call", unknown, PRICES.call_base),
        whole("call, 100,000 arguments, whole run", "call", many, PRICES.call_base),
        host("call, no imports, no memory", "call", call, 200, calls(6)),
        host("call, no imports, a page", "call", call, 200, calls(5)),
        host("call, whole host table", "call", call, 200, calls(1)),
        host("call, 32 accounts", "call", call, 200, calls(3, account + item * 32)),
        host("call, 16 texts, 1 MB together", "call", call, 5, big),
        host("args_int, 100,000 items", "args_int", f"(call $args_int {C} (i64.const 5))", 100_000, calls(1)),
        host("args_bytes, 100,000 items", "args_bytes", f"(call $args_bytes {C} {A})", 100_000, calls(1)),
        host(
            "returned_int",
            "returned_int",
            "(drop (call $returned_int))",
            given=calls(1)._replace(setup=calls(1).setup + call),
        ),
        host(
            "returned_bytes",
            "returned_bytes",
            "(drop (call $returned_bytes))",
            given=calls(2)._replace(setup=calls(2).setup + call),
        ),
    ]


def host_cases() -> list[Case]:
    """All of them, the reference among them."""
    return [*_context(), *_bytes(), *_text(), *_state(), *_calls()]
