;; The replay contract: does again to the state what a recorded Ethereum call did to it.
;;
;; replay(id, gas, reads, kept, changed, payees, amounts, fails)
;;   id       32 bytes that no other recorded transaction has
;;   gas      recorded gas: one turn of the burning loop, 5 fuel, for each
;;   reads    slots of 32 bytes each, all read; the first `kept` of them were stored to without a change
;;   changed  slots of 32 bytes each, written with SHA-256 over the id and all values read
;;   payees   accounts of 20 bytes each, paid `amounts`, 8 bytes each
;;   fails    1 if the recorded call failed: it traps after reading and burning
(module
  (import "anh" "arg_int" (func $arg_int (param i64) (result i64)))
  (import "anh" "arg_bytes" (func $arg_bytes (param i64) (result i64)))
  (import "anh" "bytes_len" (func $bytes_len (param i64) (result i64)))
  (import "anh" "bytes_slice" (func $bytes_slice (param i64 i64 i64) (result i64)))
  (import "anh" "bytes_concat" (func $bytes_concat (param i64 i64) (result i64)))
  (import "anh" "int_from_bytes" (func $int_from_bytes (param i64) (result i64)))
  (import "anh" "sha256" (func $sha256 (param i64) (result i64)))
  (import "anh" "storage_read" (func $storage_read (param i64) (result i64)))
  (import "anh" "storage_write" (func $storage_write (param i64 i64)))
  (import "anh" "transfer" (func $transfer (param i64 i64)))

  ;; Handles of the kept slots and of their values, 16 bytes for each slot.
  (memory (export "memory") 1)

  (func $read_all (result i64)
    (local $reads i64) (local $end i64) (local $at i64) (local $kept i64)
    (local $slot i64) (local $value i64) (local $digest i64) (local $cell i32)
    (local.set $digest (call $sha256 (call $arg_bytes (i64.const 0))))
    (local.set $reads (call $arg_bytes (i64.const 2)))
    (local.set $end (call $bytes_len (local.get $reads)))
    (local.set $kept (i64.mul (call $arg_int (i64.const 3)) (i64.const 32)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_s (local.get $at) (local.get $end)))
        (local.set $slot (call $bytes_slice (local.get $reads) (local.get $at) (i64.const 32)))
        (local.set $value (call $storage_read (local.get $slot)))
        ;; A digest of digests: two sets of values that differ only in which slot is empty differ here.
        (local.set $digest (call $sha256 (call $bytes_concat (local.get $digest) (local.get $value))))
        (if (i64.lt_s (local.get $at) (local.get $kept))
          (then
            (i64.store (local.get $cell) (local.get $slot))
            (i64.store offset=8 (local.get $cell) (local.get $value))
            (local.set $cell (i32.add (local.get $cell) (i32.const 16)))))
        (local.set $at (i64.add (local.get $at) (i64.const 32)))
        (br $next)))
    (local.get $digest))

  (func $burn
    (local $turns i32)
    (local.set $turns (i32.wrap_i64 (call $arg_int (i64.const 1))))
    (if (local.get $turns)
      (then
        (loop $turn
          (br_if $turn (local.tee $turns (i32.sub (local.get $turns) (i32.const 1))))))))

  (func $write_all (param $digest i64)
    (local $changed i64) (local $end i64) (local $at i64) (local $cell i32) (local $cells i32)
    (local.set $cells (i32.mul (i32.wrap_i64 (call $arg_int (i64.const 3))) (i32.const 16)))
    (block $kept_done
      (loop $kept
        (br_if $kept_done (i32.ge_u (local.get $cell) (local.get $cells)))
        (call $storage_write (i64.load (local.get $cell)) (i64.load offset=8 (local.get $cell)))
        (local.set $cell (i32.add (local.get $cell) (i32.const 16)))
        (br $kept)))
    (local.set $changed (call $arg_bytes (i64.const 4)))
    (local.set $end (call $bytes_len (local.get $changed)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_s (local.get $at) (local.get $end)))
        (call $storage_write
          (call $bytes_slice (local.get $changed) (local.get $at) (i64.const 32))
          (local.get $digest))
        (local.set $at (i64.add (local.get $at) (i64.const 32)))
        (br $next))))

  (func $pay_all
    (local $payees i64) (local $amounts i64) (local $end i64) (local $payee i64) (local $amount i64)
    (local.set $payees (call $arg_bytes (i64.const 5)))
    (local.set $amounts (call $arg_bytes (i64.const 6)))
    (local.set $end (call $bytes_len (local.get $amounts)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_s (local.get $amount) (local.get $end)))
        (call $transfer
          (call $bytes_slice (local.get $payees) (local.get $payee) (i64.const 20))
          (call $int_from_bytes (call $bytes_slice (local.get $amounts) (local.get $amount) (i64.const 8))))
        (local.set $payee (i64.add (local.get $payee) (i64.const 20)))
        (local.set $amount (i64.add (local.get $amount) (i64.const 8)))
        (br $next))))

  (func (export "replay")
    (local $digest i64)
    (local.set $digest (call $read_all))
    (call $burn)
    (if (i32.wrap_i64 (call $arg_int (i64.const 7))) (then unreachable))
    (call $write_all (local.get $digest))
    (call $pay_all)))
