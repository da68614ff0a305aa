"""What a gas is worth here: the time of the plainest host call, which all prices are compared with."""

from wasmtime import wat2wasm

from accountant.chain.envelope import Callers, Envelope, FunctionEnvelope
from accountant.chain.genesis import GasSchedule, Limits
from accountant.contracts.module import check_module
from accountant.contracts.run import execute
from accountant.contracts.world import ContractCode, Run, World
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Gas, Hash, Height, Seq

_CALLS = 20_000
_MODULE = f"""(module (import "anh" "height" (func $height (result i64))) (memory (export "memory") 1)
  (func (export "main") (local $i i64) (local.set $i (i64.const {_CALLS}))
    (loop $l (drop (call $height))
      (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))))"""
_CONTRACT = ContractId(b"\xc0" * 32)
_SENDER = Address(b"\x51" * 20)
_GAS = Gas(2**40)


class ReferenceRun:
    """A contract that asks for the height again and again."""

    def __init__(self) -> None:
        code = bytes(wat2wasm(_MODULE))
        envelope = Envelope((FunctionEnvelope("main", (), (), False, Callers.ANYONE),))
        check_module(code, envelope, Limits())
        self._world: World = _OneContract(ContractCode(code, envelope, _SENDER))
        self._run = Run(
            *(_CONTRACT, "main", (), _SENDER, Amount(0), (), Height(1), 0, Hash(bytes(32)), 0),
            schedule=GasSchedule(),
            limits=Limits(),
        )

    def __call__(self) -> int:
        """Run it; the gas that it used."""
        result = execute(self._run, self._world, _GAS)
        assert result.failure is None
        return result.gas_used


class _OneContract:
    """A world of one contract and nothing else."""

    def __init__(self, code: ContractCode) -> None:
        self._code = code

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        return b""

    def code(self, contract: ContractId) -> ContractCode | None:
        return self._code if contract == _CONTRACT else None

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        return True

    def lower_bound(self, account: AccountId, theta: tuple[Hash, ...]) -> Amount:
        return Amount(0)

    def answer(self, query: bytes) -> bytes:
        return b"\xc2"

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        return None

    def published(self, cid: Cid) -> bool:
        return False

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        raise AssertionError("it loads nothing")
