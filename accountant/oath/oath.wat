;; The purse of an accountant: Algorithm 5 (Oath-of-Correctness) in its smallest form.
;;
;; It has no storage, no constructor and no state but its general balance. Deposits are plain
;; transfers to its id. Its envelope lets nobody but the deployer call it, and only directly.
(module
  (import "anh" "arg_int" (func $arg_int (param i64) (result i64)))
  (import "anh" "arg_bytes" (func $arg_bytes (param i64) (result i64)))
  (import "anh" "return_int" (func $return_int (param i64)))
  (import "anh" "fail" (func $fail (param i64)))
  (import "anh" "sender" (func $sender (result i64)))
  (import "anh" "bytes_new" (func $bytes_new (param i32 i32) (result i64)))
  (import "anh" "bytes_equal" (func $bytes_equal (param i64 i64) (result i64)))
  (import "anh" "transfer" (func $transfer (param i64 i64)))
  (import "anh" "log" (func $log (param i64 i64)))
  (import "anh" "query" (func $query (param i64) (result i64)))

  (memory (export "memory") 1)
  ;; 0..20: the blackhole, address zero
  (data (i32.const 32) "true")
  (data (i32.const 40) "slashed")
  (data (i32.const 48) "withdrawn")
  (data (i32.const 64) "penalty must be positive")

  ;; swear(query bytes, answer bytes, penalty int, beneficiary address) -> 1 true, 0 false and slashed
  (func (export "swear")
    (local $asked i64) (local $penalty i64) (local $beneficiary i64) (local $blackhole i64) (local $paid i64)
    (local.set $asked (call $arg_bytes (i64.const 0)))
    (local.set $penalty (call $arg_int (i64.const 2)))
    (if (i64.le_s (local.get $penalty) (i64.const 0))
      (then (call $fail (call $bytes_new (i32.const 64) (i32.const 24)))))

    ;; Algorithm 5, line 1: is r the result of Q?
    (if (i64.ne (call $bytes_equal (call $query (local.get $asked)) (call $arg_bytes (i64.const 1))) (i64.const 0))
      (then
        (call $log (call $bytes_new (i32.const 32) (i32.const 4)) (local.get $asked))
        (call $return_int (i64.const 1))
        (return)))

    ;; Line 2: slash. With a beneficiary, the smaller half goes there; all else is burnt.
    (local.set $beneficiary (call $arg_bytes (i64.const 3)))
    (local.set $blackhole (call $bytes_new (i32.const 0) (i32.const 20)))
    (if (i64.eqz (call $bytes_equal (local.get $beneficiary) (local.get $blackhole)))
      (then (local.set $paid (i64.shr_u (local.get $penalty) (i64.const 1)))))
    (if (i64.ne (local.get $paid) (i64.const 0))
      (then (call $transfer (local.get $beneficiary) (local.get $paid))))
    (call $transfer (local.get $blackhole) (i64.sub (local.get $penalty) (local.get $paid)))
    (call $log (call $bytes_new (i32.const 40) (i32.const 7)) (local.get $asked))
    (call $return_int (i64.const 0)))

  ;; withdraw(amount int): pays the deployer, the only one who may call it
  (func (export "withdraw")
    (call $transfer (call $sender) (call $arg_int (i64.const 0)))
    (call $log (call $bytes_new (i32.const 48) (i32.const 9)) (call $sender))))
