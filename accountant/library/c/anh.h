/* The host table for contracts in C; docs/host.md says what each function does, costs and refuses.
 *
 * A handle names bytes, or a list of arguments, in the running frame. A test compares this file with the table.
 */
#ifndef ANH_H
#define ANH_H

#include <stdint.h>

typedef int64_t anh_bytes; /* a handle of bytes: text, accounts, hashes too */
typedef int64_t anh_list;  /* a handle of a list of arguments */

#define ANH(name) __attribute__((import_module("anh"), import_name(#name))) extern

/* Put before a function that the envelope names: anh_export void f(void). The attribute export_name would do the same,
 * but with it LLVM 22 adds a table to the module, which no chain takes. */
#define anh_export __attribute__((visibility("default")))

/* A handle of a string literal, without its final zero. */
#define anh_text(literal) anh_bytes_new((literal), sizeof(literal) - 1)

/* Ends and rolls back the transaction, unless the condition holds. */
#define anh_demand(condition, reason) \
    do { \
        if (!(condition)) anh_fail(anh_text(reason)); \
    } while (0)

/* Arguments and return value */
ANH(arg_count) int64_t anh_arg_count(void);
ANH(arg_int) int64_t anh_arg_int(int64_t index);
ANH(arg_bytes) anh_bytes anh_arg_bytes(int64_t index);
ANH(return_int) void anh_return_int(int64_t value);
ANH(return_bytes) void anh_return_bytes(anh_bytes value);
ANH(fail) _Noreturn void anh_fail(anh_bytes reason);

/* Where it runs */
ANH(caller) anh_bytes anh_caller(void);
ANH(sender) anh_bytes anh_sender(void);
ANH(self) anh_bytes anh_self(void);
ANH(value) int64_t anh_value(void);
ANH(height) int64_t anh_height(void);
ANH(index) int64_t anh_index(void);
ANH(time) int64_t anh_time(void);
ANH(previous_hash) anh_bytes anh_previous_hash(void);

/* Bytes */
ANH(bytes_new) anh_bytes anh_bytes_new(const void *pointer, uint32_t length);
ANH(bytes_read) void anh_bytes_read(anh_bytes value, int64_t offset, void *pointer, uint32_t length);
ANH(bytes_len) int64_t anh_bytes_len(anh_bytes value);
ANH(bytes_at) int64_t anh_bytes_at(anh_bytes value, int64_t offset);
ANH(bytes_concat) anh_bytes anh_bytes_concat(anh_bytes left, anh_bytes right);
ANH(bytes_slice) anh_bytes anh_bytes_slice(anh_bytes value, int64_t start, int64_t length);
ANH(bytes_equal) int64_t anh_bytes_equal(anh_bytes left, anh_bytes right);
ANH(bytes_compare) int64_t anh_bytes_compare(anh_bytes left, anh_bytes right);
ANH(bytes_from_int) anh_bytes anh_bytes_from_int(int64_t number);
ANH(int_from_bytes) int64_t anh_int_from_bytes(anh_bytes value);
ANH(hex_from_bytes) anh_bytes anh_hex_from_bytes(anh_bytes value);

/* Text */
ANH(text_check) void anh_text_check(anh_bytes value);
ANH(text_len) int64_t anh_text_len(anh_bytes value);
ANH(text_slice) anh_bytes anh_text_slice(anh_bytes value, int64_t start, int64_t length);
ANH(text_from_int) anh_bytes anh_text_from_int(int64_t number);
ANH(int_from_text) int64_t anh_int_from_text(anh_bytes value);

/* Bytes */
ANH(sha256) anh_bytes anh_sha256(anh_bytes value);
ANH(keccak256) anh_bytes anh_keccak256(anh_bytes value);

/* State, money, events */
ANH(storage_read) anh_bytes anh_storage_read(anh_bytes slot);
ANH(storage_write) void anh_storage_write(anh_bytes slot, anh_bytes value);
ANH(storage_read_int) int64_t anh_storage_read_int(anh_bytes slot);
ANH(storage_write_int) void anh_storage_write_int(anh_bytes slot, int64_t number);
ANH(transfer) void anh_transfer(anh_bytes account, int64_t amount);
ANH(log) void anh_log(anh_bytes topic, anh_bytes data);

/* Calls of other contracts */
ANH(args_new) anh_list anh_args_new(void);
ANH(args_int) void anh_args_int(anh_list arguments, int64_t number);
ANH(args_bytes) void anh_args_bytes(anh_list arguments, anh_bytes value);
ANH(call) int64_t anh_call(anh_bytes contract, anh_bytes function, anh_list arguments, int64_t value);
ANH(returned_int) int64_t anh_returned_int(void);
ANH(returned_bytes) anh_bytes anh_returned_bytes(void);

/* Accounting */
ANH(bound) int64_t anh_bound(anh_bytes account, anh_bytes theta);
ANH(query) anh_bytes anh_query(anh_bytes query);

#endif
