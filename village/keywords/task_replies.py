"""What somebody is answered who says that it is done, or only that he read the reminder. Always one SMS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from village.keywords.replies import Replies, Reply
from village.notices.notice import Notice, UnitKind
from village.notices.tasks_store import Task


@dataclass(frozen=True, slots=True)
class TaskReplies:
    replies: Replies

    def done(self, notice: Notice, task: Task | None, names: Sequence[str]) -> Reply:
        """Whose, so that a wrong one is noticed: several may stand behind one phone."""
        home = "家" if notice.unit is UnitKind.HOUSEHOLD else ""
        what = f"通知{notice.number}" + (task.what if task is not None else "")
        who = "、".join(f"{name}{home}" for name in names)
        wrong = f"弄错了{self.replies.ask}"
        return self.replies.fit(
            "TASK_OK",
            f"记下了:{who}{what}办好了。{wrong}",
            f"记下了:{who}{what}办好了",
            f"记下了:{names[0][:6]}{home}等{len(names)}{home or '人'}{what}办好了" if names else f"记下了:{what}办好了",
        )

    def stopped(self, notice: Notice) -> Reply:
        return self.replies.fit(
            "TASK_STOPPED",
            f"没有记:通知{notice.number}已经停发了。有事{self.replies.ask}",
            f"没有记:通知{notice.number}已经停发了",
        )

    def whose(self, notice: Notice, names: Sequence[str]) -> Reply:
        """More than the reminder could name: which of them has done it is said in person."""
        home = "家" if notice.unit is UnitKind.HOUSEHOLD else ""
        many = f"没有记:这个手机上有{len(names)}{home or '人'}"
        end = f"。谁办好了,请{self.replies.ask}"
        return self.replies.fit(
            "TASK_WHOSE",
            *[
                f"{many}:{'、'.join(name + home for name in names[:shown])}{'等' if shown < len(names) else ''}{end}"
                for shown in range(len(names), 0, -1)
            ],
            many + end,
        )

    def known(self, notice: Notice) -> Reply:
        return self.replies.fit("TASK_KNOWN", f"记下您看到通知{notice.number}的提醒了。办好了请再回9")
