"""The host table: every function that a module may import from `anh`, in one place. docs/host.md explains it.

Adding, removing or changing a row changes the chain's rules.
"""

from accountant.contracts import host_state, host_text, host_values
from accountant.contracts.host_row import HostFunction, Kind
from accountant.contracts.table_nn import NN_TABLE

__all__ = ["HOST", "HOST_TABLE", "MODULE", "HostFunction", "Kind"]

MODULE = "anh"

_I, _B, _L, _P, _N, _T = Kind.INT, Kind.BYTES, Kind.LIST, Kind.PTR, Kind.LEN, Kind.BOOL

HOST_TABLE: tuple[HostFunction, ...] = (
    HostFunction("arg_count", (), _I, host_values.arg_count),
    HostFunction("arg_int", (_I,), _I, host_values.arg_int),
    HostFunction("arg_bytes", (_I,), _B, host_values.arg_bytes),
    HostFunction("return_int", (_I,), None, host_values.return_int),
    HostFunction("return_bytes", (_B,), None, host_values.return_bytes),
    HostFunction("fail", (_B,), None, host_values.fail),
    HostFunction("caller", (), _B, host_values.caller),
    HostFunction("sender", (), _B, host_values.sender),
    HostFunction("self", (), _B, host_values.own_id),
    HostFunction("value", (), _I, host_values.value),
    HostFunction("height", (), _I, host_values.height),
    HostFunction("index", (), _I, host_values.index),
    HostFunction("time", (), _I, host_values.time),
    HostFunction("previous_hash", (), _B, host_values.previous_hash),
    HostFunction("bytes_new", (_P, _N), _B, host_values.bytes_new),
    HostFunction("bytes_read", (_B, _I, _P, _N), None, host_values.bytes_read),
    HostFunction("bytes_len", (_B,), _I, host_values.bytes_len),
    HostFunction("bytes_at", (_B, _I), _I, host_values.bytes_at),
    HostFunction("bytes_concat", (_B, _B), _B, host_values.bytes_concat),
    HostFunction("bytes_slice", (_B, _I, _I), _B, host_values.bytes_slice),
    HostFunction("bytes_equal", (_B, _B), _T, host_values.bytes_equal),
    HostFunction("bytes_compare", (_B, _B), _I, host_values.bytes_compare),
    HostFunction("bytes_from_int", (_I,), _B, host_values.bytes_from_int),
    HostFunction("int_from_bytes", (_B,), _I, host_values.int_from_bytes),
    HostFunction("hex_from_bytes", (_B,), _B, host_text.hex_from_bytes),
    HostFunction("text_check", (_B,), None, host_text.text_check),
    HostFunction("text_len", (_B,), _I, host_text.text_len),
    HostFunction("text_slice", (_B, _I, _I), _B, host_text.text_slice),
    HostFunction("text_from_int", (_I,), _B, host_text.text_from_int),
    HostFunction("int_from_text", (_B,), _I, host_text.int_from_text),
    HostFunction("sha256", (_B,), _B, host_values.sha256),
    HostFunction("keccak256", (_B,), _B, host_values.keccak256),
    HostFunction("storage_read", (_B,), _B, host_state.storage_read),
    HostFunction("storage_write", (_B, _B), None, host_state.storage_write),
    HostFunction("storage_read_int", (_B,), _I, host_state.storage_read_int),
    HostFunction("storage_write_int", (_B, _I), None, host_state.storage_write_int),
    HostFunction("transfer", (_B, _I), None, host_state.transfer),
    HostFunction("log", (_B, _B), None, host_state.log),
    HostFunction("args_new", (), _L, host_state.args_new),
    HostFunction("args_int", (_L, _I), None, host_state.args_int),
    HostFunction("args_bytes", (_L, _B), None, host_state.args_bytes),
    HostFunction("call", (_B, _B, _L, _I), _I, host_state.call),
    HostFunction("returned_int", (), _I, host_state.returned_int),
    HostFunction("returned_bytes", (), _B, host_state.returned_bytes),
    HostFunction("bound", (_B, _B), _I, host_state.bound),
    HostFunction("query", (_B,), _B, host_state.query),
    *NN_TABLE,
)

HOST: dict[str, HostFunction] = {row.name: row for row in HOST_TABLE}
