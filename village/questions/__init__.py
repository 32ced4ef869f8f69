"""What was asked of whom, so that an answer finds its question."""

from village.questions.store import CENTRE_SLACK_MS, Question, ask, newest

__all__ = ["CENTRE_SLACK_MS", "Question", "ask", "newest"]
