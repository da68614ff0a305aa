/* An auction of one thing: who has bid most when it closes has won.
 *
 * A bidder may raise the own bid; only what is added comes with the call. Losers take their money back, the seller
 * (who deployed the contract) takes the best bid after the close. Every slot follows from the sender and every payout
 * from an argument, so each function's template is complete: nobody has to guess a footprint.
 *
 * Slots: "reserve", "closes", "best", "paid" hold integers; "leader" an address; "bids:" and an address an integer.
 * All bids together are money that the contract holds, hence below 2^63: sums of them do not overflow.
 */
#include "anh.h"

static anh_bytes bid_slot(anh_bytes bidder) { return anh_bytes_concat(anh_text("bids:"), bidder); }

static int64_t number(anh_bytes slot) { return anh_storage_read_int(slot); }

static int is_open(void) { return anh_height() < number(anh_text("closes")); }

/* init(reserve: int, closes: int): the least bid, and the height of the first block that takes no bid. */
anh_export void init(void) {
    int64_t reserve = anh_arg_int(0), closes = anh_arg_int(1);
    anh_demand(reserve > 0, "the reserve is positive");
    anh_demand(closes > anh_height(), "the auction closes later than it begins");
    anh_storage_write_int(anh_text("reserve"), reserve);
    anh_storage_write_int(anh_text("closes"), closes);
}

/* bid() -> int, with value: adds the value to the caller's bid, which must then be the best. */
anh_export void bid(void) {
    anh_demand(is_open(), "the auction is closed");
    anh_bytes bidder = anh_caller(), slot = bid_slot(bidder);
    int64_t total = number(slot) + anh_value();
    anh_demand(total >= number(anh_text("reserve")), "below the reserve");
    anh_demand(total > number(anh_text("best")), "not above the best bid");
    anh_storage_write_int(slot, total);
    anh_storage_write_int(anh_text("best"), total);
    anh_storage_write(anh_text("leader"), bidder);
    anh_log(anh_text("Bid"), anh_bytes_concat(bidder, anh_bytes_from_int(total)));
    anh_return_int(total);
}

/* withdraw(amount: int): pays a bidder who does not lead; open or closed. */
anh_export void withdraw(void) {
    anh_bytes bidder = anh_caller(), slot = bid_slot(bidder);
    int64_t amount = anh_arg_int(0), bid_so_far = number(slot);
    anh_demand(amount > 0 && amount <= bid_so_far, "more than was bid");
    anh_demand(!anh_bytes_equal(bidder, anh_storage_read(anh_text("leader"))), "the leading bid stays");
    anh_storage_write_int(slot, bid_so_far - amount);
    anh_transfer(bidder, amount);
}

/* settle(amount: int), of the seller: pays the best bid once, after the close. */
anh_export void settle(void) {
    int64_t amount = anh_arg_int(0);
    anh_demand(!is_open(), "the auction is open");
    anh_demand(!number(anh_text("paid")), "settled already");
    anh_demand(amount > 0 && amount == number(anh_text("best")), "not the best bid");
    anh_storage_write_int(anh_text("paid"), 1);
    anh_transfer(anh_caller(), amount);
}

/* bid_of(bidder: address) -> int */
anh_export void bid_of(void) { anh_return_int(number(bid_slot(anh_arg_bytes(0)))); }

/* leader() -> bytes: the address of who leads; empty before the first bid. */
anh_export void leader(void) { anh_return_bytes(anh_storage_read(anh_text("leader"))); }
