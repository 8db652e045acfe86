"""Servers whose behaviour is known, and the theory that says what a load generator must see of them."""
