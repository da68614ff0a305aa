"""Child processes that never outlive their parent unnoticed: a leash, and a ledger of who was started."""
