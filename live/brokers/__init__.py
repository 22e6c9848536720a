"""Brokers: the protocol, a simulated one, and an adapter for each real one."""
