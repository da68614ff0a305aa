/* The host table for contracts in C; docs/host.md says what each function does, costs and refuses.
 *
 * A handle names bytes, a list of arguments, a tensor or several, in the running frame. A test compares this file with
 * the table.
 */
#ifndef ANH_H
#define ANH_H

#include <stdint.h>

typedef int64_t anh_bytes;   /* a handle of bytes: text, accounts, hashes too */
typedef int64_t anh_list;    /* a handle of a list of arguments, or of integers: shapes, axes */
typedef int64_t anh_tensor;  /* a handle of a tensor; 0 for none, where docs/host.md has a question mark */
typedef int64_t anh_tensors; /* a handle of a list of tensors */
typedef int64_t anh_indices; /* a handle of indices; 0 for none, likewise */
typedef int64_t anh_real;    /* the bits of a double: anh_real_of(0.5) */

#define ANH(name) __attribute__((import_module("anh"), import_name(#name))) extern

/* Put before a function that the envelope names: anh_export void f(void). The attribute export_name would do the same,
 * but with it LLVM 22 adds a table to the module, which no chain takes. */
#define anh_export __attribute__((visibility("default")))

/* What functions on tensors take for a number. */
static inline anh_real anh_real_of(double number) {
    union {
        double number;
        int64_t bits;
    } both = {number};
    return both.bits;
}

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

/* Tensors: element by element */
ANH(nn_add) anh_tensor anh_nn_add(anh_tensor left, anh_tensor right);
ANH(nn_subtract) anh_tensor anh_nn_subtract(anh_tensor left, anh_tensor right);
ANH(nn_multiply) anh_tensor anh_nn_multiply(anh_tensor left, anh_tensor right);
ANH(nn_divide) anh_tensor anh_nn_divide(anh_tensor left, anh_tensor right);
ANH(nn_scale) anh_tensor anh_nn_scale(anh_tensor tensor, anh_real factor);
ANH(nn_shift) anh_tensor anh_nn_shift(anh_tensor tensor, anh_real number);
ANH(nn_negative) anh_tensor anh_nn_negative(anh_tensor tensor);
ANH(nn_sqrt) anh_tensor anh_nn_sqrt(anh_tensor tensor);
ANH(nn_exp) anh_tensor anh_nn_exp(anh_tensor tensor);
ANH(nn_log) anh_tensor anh_nn_log(anh_tensor tensor);
ANH(nn_sigmoid) anh_tensor anh_nn_sigmoid(anh_tensor tensor);
ANH(nn_tanh) anh_tensor anh_nn_tanh(anh_tensor tensor);
ANH(nn_relu) anh_tensor anh_nn_relu(anh_tensor tensor);
ANH(nn_gelu) anh_tensor anh_nn_gelu(anh_tensor tensor);

/* Tensors: sums and largest values */
ANH(nn_sum) anh_tensor anh_nn_sum(anh_tensor tensor, anh_list axes, int64_t keep);
ANH(nn_mean) anh_tensor anh_nn_mean(anh_tensor tensor, anh_list axes, int64_t keep);
ANH(nn_max) anh_tensor anh_nn_max(anh_tensor tensor, int64_t axis, int64_t keep);
ANH(nn_argmax) anh_indices anh_nn_argmax(anh_tensor tensor, int64_t axis);

/* Tensors: products and convolutions */
ANH(nn_matmul) anh_tensor anh_nn_matmul(anh_tensor left, anh_tensor right, int64_t precision);
ANH(nn_conv1d) anh_tensor anh_nn_conv1d(
    anh_tensor tensor, anh_tensor weight, anh_tensor bias, int64_t stride, int64_t padding, int64_t groups,
    int64_t precision);
ANH(nn_conv2d) anh_tensor anh_nn_conv2d(
    anh_tensor tensor, anh_tensor weight, anh_tensor bias, anh_list stride, anh_list padding, int64_t groups,
    int64_t precision);
ANH(nn_attention) anh_tensor anh_nn_attention(
    anh_tensor query, anh_tensor key, anh_tensor value, int64_t causal, int64_t precision);

/* Tensors: windows and sizes */
ANH(nn_max_pool) anh_tensor anh_nn_max_pool(anh_tensor tensor, anh_list kernel, anh_list stride, anh_list padding);
ANH(nn_mean_pool) anh_tensor anh_nn_mean_pool(anh_tensor tensor, anh_list kernel, anh_list stride, anh_list padding);
ANH(nn_nearest) anh_tensor anh_nn_nearest(anh_tensor tensor, anh_list size);
ANH(nn_bilinear) anh_tensor anh_nn_bilinear(anh_tensor tensor, anh_list size);

/* Tensors: softmax and normalisation */
ANH(nn_softmax) anh_tensor anh_nn_softmax(anh_tensor tensor, int64_t axis);
ANH(nn_log_softmax) anh_tensor anh_nn_log_softmax(anh_tensor tensor, int64_t axis);
ANH(nn_layer_norm) anh_tensor anh_nn_layer_norm(
    anh_tensor tensor, anh_tensor weight, anh_tensor bias, anh_real epsilon);
ANH(nn_batch_norm) anh_tensors anh_nn_batch_norm(
    anh_tensor tensor, anh_tensor weight, anh_tensor bias, anh_tensor mean, anh_tensor variance, anh_real momentum,
    anh_real epsilon);
ANH(nn_batch_norm_fixed) anh_tensor anh_nn_batch_norm_fixed(
    anh_tensor tensor, anh_tensor weight, anh_tensor bias, anh_tensor mean, anh_tensor variance, anh_real epsilon);

/* Tensors: losses */
ANH(nn_cross_entropy) anh_tensor anh_nn_cross_entropy(anh_tensor logits, anh_indices labels);
ANH(nn_mean_squared_error) anh_tensor anh_nn_mean_squared_error(anh_tensor left, anh_tensor right);
ANH(nn_ctc_loss) anh_tensor anh_nn_ctc_loss(
    anh_tensor log_probabilities, anh_indices targets, anh_indices times, anh_indices lengths, int64_t blank);

/* Tensors: picking */
ANH(nn_embedding) anh_tensor anh_nn_embedding(anh_tensor table, anh_indices rows);
ANH(nn_take) anh_tensor anh_nn_take(anh_tensor tensor, int64_t axis, anh_indices places);
ANH(nn_gather) anh_tensor anh_nn_gather(anh_tensor tensor, int64_t axis, anh_indices places);
ANH(nn_scatter_add) anh_tensor anh_nn_scatter_add(
    anh_tensor tensor, int64_t axis, anh_indices places, anh_tensor source);
ANH(nn_one_hot) anh_tensor anh_nn_one_hot(anh_indices labels, int64_t classes);

/* Tensors: shapes */
ANH(nn_reshape) anh_tensor anh_nn_reshape(anh_tensor tensor, anh_list shape);
ANH(nn_expand) anh_tensor anh_nn_expand(anh_tensor tensor, anh_list shape);
ANH(nn_transpose) anh_tensor anh_nn_transpose(anh_tensor tensor, anh_list order);
ANH(nn_slice) anh_tensor anh_nn_slice(anh_tensor tensor, int64_t axis, int64_t begin, int64_t end);
ANH(nn_join) anh_tensor anh_nn_join(anh_tensors tensors, int64_t axis);
ANH(nn_pad) anh_tensor anh_nn_pad(anh_tensor tensor, int64_t axis, int64_t before, int64_t after);
ANH(nn_dims) int64_t anh_nn_dims(anh_tensor tensor);
ANH(nn_size) int64_t anh_nn_size(anh_tensor tensor, int64_t axis);

/* Tensors: random numbers */
ANH(nn_uniform) anh_tensor anh_nn_uniform(int64_t seed, int64_t stream, anh_list shape, anh_real low, anh_real high);
ANH(nn_normal) anh_tensor anh_nn_normal(
    int64_t seed, int64_t stream, anh_list shape, anh_real mean, anh_real deviation);
ANH(nn_init) anh_tensor anh_nn_init(int64_t seed, int64_t stream, anh_list shape);
ANH(nn_permutation) anh_indices anh_nn_permutation(int64_t seed, int64_t stream, int64_t count);
ANH(nn_dropout) anh_tensor anh_nn_dropout(anh_tensor tensor, anh_real rate, int64_t seed, int64_t stream);

/* Tensors: making and reading */
ANH(nn_full) anh_tensor anh_nn_full(anh_list shape, anh_real number);
ANH(nn_of_ints) anh_tensor anh_nn_of_ints(anh_list shape, anh_bytes values, int64_t width);
ANH(nn_indices_of_ints) anh_indices anh_nn_indices_of_ints(anh_list shape, anh_bytes values, int64_t width);
ANH(nn_indices) anh_indices anh_nn_indices(anh_tensor tensor);
ANH(nn_real) anh_real anh_nn_real(int64_t numerator, int64_t denominator);
ANH(nn_item) int64_t anh_nn_item(anh_tensor tensor, int64_t place, anh_real scale);
ANH(nn_index) int64_t anh_nn_index(anh_indices indices, int64_t place);
ANH(nn_count) int64_t anh_nn_count(anh_tensor tensor);

/* Tensors: lists, and letting go */
ANH(nn_list) anh_tensors anh_nn_list(void);
ANH(nn_append) anh_tensors anh_nn_append(anh_tensors tensors, anh_tensor tensor);
ANH(nn_at) anh_tensor anh_nn_at(anh_tensors tensors, int64_t place);
ANH(nn_list_len) int64_t anh_nn_list_len(anh_tensors tensors);
ANH(nn_mark) int64_t anh_nn_mark(void);
ANH(nn_release) anh_tensors anh_nn_release(int64_t since, anh_tensors kept);

/* Tensors: training */
ANH(nn_variable) anh_tensor anh_nn_variable(anh_tensor tensor);
ANH(nn_plain) anh_tensor anh_nn_plain(anh_tensor tensor);
ANH(nn_variables) anh_tensors anh_nn_variables(anh_tensors tensors);
ANH(nn_grad) anh_tensors anh_nn_grad(anh_tensor loss, anh_tensors tensors);
ANH(nn_clip) anh_tensors anh_nn_clip(anh_tensors gradients, anh_real norm);
ANH(nn_sgd_start) anh_tensors anh_nn_sgd_start(anh_tensors weights);
ANH(nn_sgd) anh_tensors anh_nn_sgd(
    anh_tensors state, anh_tensors gradients, anh_real rate, anh_real momentum, anh_real decay);
ANH(nn_adam_start) anh_tensors anh_nn_adam_start(anh_tensors weights);
ANH(nn_adam) anh_tensors anh_nn_adam(
    anh_tensors state, anh_tensors gradients, anh_real rate, anh_real first, anh_real second, anh_real epsilon,
    anh_real decay);
ANH(nn_weights) anh_tensors anh_nn_weights(anh_tensors state);

/* Tensors: files */
ANH(nn_load) anh_tensor anh_nn_load(anh_bytes cid);
ANH(nn_load_all) anh_tensors anh_nn_load_all(anh_bytes cid);
ANH(nn_save) anh_bytes anh_nn_save(anh_tensor tensor);
ANH(nn_save_all) anh_bytes anh_nn_save_all(anh_tensors tensors);

/* Tensors: models */
ANH(nn_init_model) anh_tensors anh_nn_init_model(anh_bytes model, int64_t seed);
ANH(nn_predict) anh_tensor anh_nn_predict(anh_bytes model, anh_tensors weights, anh_tensor data);
ANH(nn_fit) anh_tensors anh_nn_fit(
    anh_bytes model, anh_tensors weights, anh_tensor data, anh_indices labels, anh_tensor targets, anh_bytes settings);

#endif
