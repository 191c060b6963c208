"""The conformance suite: proves whether a live endpoint keeps the contract, for the price of a few pictures."""
