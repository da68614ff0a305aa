"""What one transaction does, given what it may observe: the order of effects of DESIGN section 2.

Both executors run transactions through here; they differ in how they know the state before it.
"""

from collections.abc import Mapping

from accountant.chain.envelope import CONSTRUCTOR
from accountant.chain.fees import insufficient_gas, intrinsic_gas
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import (
    CallPayload,
    DeployPayload,
    TransactionKind,
    decode_call,
    decode_deployment,
    deployed_contract,
)
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.tensor_means import Means
from accountant.contracts.world import ContractCode, Run, RunResult, World
from accountant.execution.outcome import LogEntry, Movement, Outcome, SavedBlob, SlotWrite
from accountant.index.port import BlockInfo, Located
from accountant.primitives.addresses import account_of
from accountant.primitives.types import (
    ADDRESS_BYTES,
    AccountId,
    Address,
    Amount,
    Cid,
    ContractId,
    Gas,
    Hash,
    Height,
    Seq,
)


def without_funds(located: Located, genesis: Genesis) -> Outcome:
    """The outcome of a transaction whose general_value G did not cover.

    G is not debited; zero_value, gone from Z at inclusion, returns to G with the unused gas.
    """
    transaction = located.transaction
    used = insufficient_gas(transaction, genesis.gas)
    returned = transaction.zero_value + (transaction.gas_limit - used) * transaction.gas_price
    return Outcome(
        failure=FailureKind.INSUFFICIENT_FUNDS,
        detail="",
        gas_used=used,
        credits=_movements({located.sender: returned}),
    )


def runs_code(located: Located) -> bool:
    """Whether finding the outcome means running a contract, once the funding is known."""
    kind = located.transaction.kind
    if kind == TransactionKind.DEPLOY:
        return decode_deployment(located.transaction.payload).envelope.function(CONSTRUCTOR) is not None
    return kind == TransactionKind.CALL


def transition(
    located: Located,
    block: BlockInfo,
    genesis: Genesis,
    world: World,
    gas_most: Gas | None = None,
    means: Means | None = None,
    saved: dict[Cid, bytes] | None = None,
) -> Outcome:
    """The outcome of a funded transaction. Files that it saved are added to `saved`.

    `gas_most` caps the gas for code below the transaction's own limit: an OUT_OF_GAS outcome then
    says nothing, and the caller must throw it away. Exceptions of `world` pass through.
    Raises `WorkerUnfit` where this machine cannot do what the transaction asks of tensors.
    """
    transaction = located.transaction
    intrinsic = intrinsic_gas(transaction, genesis.gas)
    if transaction.kind == TransactionKind.TRANSFER:
        credits: dict[AccountId, int] = {}
        if transaction.general_value or len(transaction.to) != ADDRESS_BYTES:
            credits[account_of(transaction.to)] = transaction.value
        return _succeeded(located, RunResult(None, "", Gas(0), None, (), {}, credits, {}), intrinsic)
    if transaction.kind == TransactionKind.PUBLISH:
        return _succeeded(located, RunResult(None, "", Gas(0), None, (), {}, {}, {}), intrinsic)
    gas = Gas(transaction.gas_limit - intrinsic)
    if gas_most is not None:
        gas = min(gas, gas_most)
    if not runs_code(located):
        contract = deployed_contract(located.sender, transaction)
        credits = {contract: transaction.value} if transaction.value else {}
        return _succeeded(located, RunResult(None, "", Gas(0), None, (), {}, credits, {}), intrinsic)
    result = execute(run_of(located, block, genesis), world, gas, means=means)
    if saved is not None:
        saved.update(result.saved)
    if result.failure is not None:
        return _failed(located, result, intrinsic)
    return _succeeded(located, result, intrinsic)


def code_deployed_by(located: Located) -> ContractCode:
    """The code that a deployment puts in place if it succeeds."""
    payload = decode_deployment(located.transaction.payload)
    return ContractCode(payload.code, payload.envelope, located.sender)


def run_of(located: Located, block: BlockInfo, genesis: Genesis) -> Run:
    """The run that a call, or a deployment with a constructor, makes of its contract."""
    transaction = located.transaction
    deploying = None
    payload: CallPayload | DeployPayload
    if transaction.kind == TransactionKind.DEPLOY:
        payload = decode_deployment(transaction.payload)
        contract, function = deployed_contract(located.sender, transaction), CONSTRUCTOR
        deploying = code_deployed_by(located)
    else:
        payload = decode_call(transaction.payload)
        contract, function = ContractId(transaction.to), payload.function
    return Run(
        contract=contract,
        function=function,
        arguments=payload.arguments,
        sender=located.sender,
        value=Amount(transaction.value),
        footprint=transaction.footprint,
        height=Height(located.height),
        index=located.index,
        previous_hash=Hash(block.previous_hash),
        time=block.time,
        schedule=genesis.gas,
        limits=genesis.limits,
        deploying=deploying,
    )


def _succeeded(located: Located, result: RunResult, intrinsic: int) -> Outcome:
    transaction = located.transaction
    used = intrinsic + result.gas_used
    credits = dict(result.credits)
    _add(credits, located.sender, (transaction.gas_limit - used) * transaction.gas_price)
    return Outcome(
        failure=None,
        detail="",
        gas_used=used,
        return_value=result.return_value,
        logs=tuple(LogEntry(*log) for log in result.logs),
        writes=tuple(
            SlotWrite(contract, slot, value, _source_of(located, result, (contract, slot), value))
            for (contract, slot), value in sorted(result.writes.items())
        ),
        credits=_movements(credits),
        debits=_movements(result.debits),
        saved=tuple(SavedBlob(cid, len(data)) for cid, data in sorted(result.saved.items())),
    )


def _source_of(located: Located, result: RunResult, slot: tuple[ContractId, bytes], value: bytes) -> Seq | None:
    """Who saved the file whose CID a slot was given."""
    return located.seq if value in result.saved else result.sources.get(slot)


def _failed(located: Located, result: RunResult, intrinsic: int) -> Outcome:
    transaction = located.transaction
    used = intrinsic + result.gas_used
    returned = transaction.value + (transaction.gas_limit - used) * transaction.gas_price
    return Outcome(result.failure, result.detail, used, credits=_movements({located.sender: returned}))


def _add(credits: dict[AccountId, int], account: AccountId, units: int) -> None:
    credits[account] = credits.get(account, 0) + units


def _movements(
    units: Mapping[AccountId, int] | Mapping[Address, int] | Mapping[ContractId, int],
) -> tuple[Movement, ...]:
    return tuple(Movement(account, moved) for account, moved in sorted(units.items()) if moved)
