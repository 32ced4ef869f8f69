"""A choice as it is kept: sealed, of one length, and bound to its poll and its voter.

Never shows a choice to anybody but the voter's own reply and, when the poll is counted, the tally.
"""

from __future__ import annotations

from village.ground.privacy import SealBrokenError, Vault


def seal_choice(vault: Vault, poll_id: int, voter_id: int, choice: int) -> bytes:
    """Equal plaintext lengths, a fresh nonce each time: two seals say nothing about each other."""
    return vault.seal(f"{poll_id:010d}/{voter_id:010d}/{choice:1d}")


def open_choice(vault: Vault, poll_id: int, voter_id: int, sealed: bytes) -> int:
    """Raises SealBrokenError for a ballot that was moved to another voter or poll."""
    poll, voter, choice = vault.open(sealed).split("/")
    if (int(poll), int(voter)) != (poll_id, voter_id):
        raise SealBrokenError("a ballot of another voter or poll")
    return int(choice)
