"""What was asked of whom, so that an answer finds its question."""

from village.questions.store import Question, ask, newest

__all__ = ["Question", "ask", "newest"]
