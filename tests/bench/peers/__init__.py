"""Peers that live in an environment of their own: what stands here runs with their Python."""
