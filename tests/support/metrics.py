"""A small history in the database, for whoever looks at it: blocks, outcomes, jobs in every state, oaths, a worker."""

import sqlalchemy as sa

CONTRACT = b"\xc1" * 32
LESSER = b"\xc2" * 32
SENDER = b"\xa1" * 20

_STATEMENTS = (
    "insert into accountant.genesis (\"only\", hash, raw, cache_key) values (1, '\\x00', '\\x00', '\\x00')",
    "insert into accountant.blocks (height, time, first_seq, count, hash, previous_hash, proposer, header, signature) "
    "select h, 1700000000 + 2 * h, 3 * h, 3, sha256(h::text::bytea), '\\x00', '\\x00', "
    "'\\x00', '\\x00' from generate_series(0, 9) h",
    # three transactions a block: two call the dear contract, one the other
    "insert into accountant.transactions (seq, height, nonce, zero_value, general_value, gas_limit, gas_price, tip, "
    'index, kind, gas_total, hash, sender, "to", raw) '
    "select s, s / 3, s, 0, 0, 100000, 1, 0, mod(s, 3), 1, 100000 * (s + 1), "
    f"sha256(s::text::bytea), '\\x{SENDER.hex()}', "
    f"case mod(s, 3) when 2 then '\\x{LESSER.hex()}'::bytea else '\\x{CONTRACT.hex()}'::bytea end, '\\x00' "
    "from generate_series(0, 29) s",
    "insert into accountant.outcomes (seq, gas_used, index, executions, block_hash, digest, observed, observed_at) "
    "select s, 1000 + s, mod(s, 3), 1, '\\x00', '\\x00', '\\x00', now() - interval '90 s' "
    "from generate_series(0, 14) s",
    "insert into accountant.api_keys (prefix, secret_sha256, created_at) values ('prefix', '\\x00', now())",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, created_at) "
    "select 'queued' || n, 'prefix', 'view', '', 'cpu', 5, now() - n * interval '1 s' from generate_series(1, 3) n",
    "insert into accountant.outbox (job_number) select number from accountant.jobs where id <> 'queued1'",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, lease_owner, "
    "lease_until) values ('running', 'prefix', 'query', '', 'cpu', 5, 'running', 'me', now())",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state) "
    "values ('waiting', 'prefix', 'query', '', 'cpu', 5, 'waiting')",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, certificate, created_at, "
    "started_at, finished_at, publications) select 'done' || n, 'prefix', 'view', '', 'cpu', 5, 'done', '\\x00', "
    "now() - interval '100 s', now() - interval '100 s' + n * interval '1 s', "
    "now() - interval '100 s' + 3 * n * interval '1 s', 1 + mod(n, 2) from generate_series(1, 10) n",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, error_code, finished_at) "
    "values ('failed', 'prefix', 'view', '', 'cpu', 5, 'failed', 'unknown_contract', now() - interval '80 s')",
    "insert into accountant.job_figures (job_number, finished_at, executed, skipped, gas_executed, gas_everything, "
    "cache_hits, slice, contract, view_gas) select number, finished_at, 2, 28, 5000, 3000000, 4, 6, "
    f"'\\x{CONTRACT.hex()}', 77 from accountant.jobs where state = 'done'",
    "insert into accountant.signed_transactions (signer, nonce, purpose, purse, units, cost, hash, raw, state, seq) "
    "select '\\x01', n, case n when 0 then 'deposit' else 'oath' end, '\\x02', 7, 0, sha256(n::text::bytea), '\\x00', "
    "case when n < 3 then 'included' when n = 3 then 'pending' else 'submitted' end, case when n < 3 then n end "
    "from generate_series(0, 5) n",
    "insert into accountant.workers (host, queue, pid, parent_pid, memory_bytes) values ('here', 'cpu', 2, 1, 1000)",
)


def fill(engine: sa.Engine) -> None:
    """Writes the history."""
    with engine.begin() as connection:
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)
