"""Peers that live in an environment of their own. What stands here runs with their Python and imports nothing of ours."""
