"""One rewriting rule of the reader, and the words several rules share. It never applies itself."""

import re
from collections.abc import Callable

SPAN = "[-~—–]{1,2}"  # what stands between two ends of a range

# What may follow a quantity. A long number followed by one of these is an amount; otherwise it is a code or a phone.
MEASURES = (
    "平方公里|平方米|立方米|平方|立方|公里|厘米|毫米|千米|公斤|千克|毫克|毫升|千瓦时|千瓦|千伏|小时|分钟|个月|星期|礼拜|"
    "公顷|摄氏度|周年|周岁|美元|欧元|港元|日元|"
    "[元块角毛分万千百亿兆人户个位名家天日月年周岁点时秒次回遍张份本斤两亩米里吨克升袋瓶只头条辆台间棵套种件项期届批组队"
    "栋幢座层楼级类区号路度瓦伏安平方桶箱包盒支枚盏盘碗根株颗粒块片处所村乡镇县省市国代成倍票席桌笔场段节课门口排行列"
    "匹峰副双对把杆眼孔丈尺寸步圈轮起宗例针剂餐顿顶孩胎多余几来%‰°]"
)
# Before these a lone 2 counts and is 两; before the rest (组, 号, 月, 楼 …) it is a name and stays 二.
COUNTED = (
    "平方公里|平方米|立方米|平方|立方|公里|厘米|毫米|千米|公斤|千克|毫克|毫升|千瓦|小时|分钟|个|星期|礼拜|公顷|"
    "[元块角毛分万千亿人户位名家天年周岁点次回遍张份本斤亩米里吨克升袋瓶只头条辆台间棵套种件项批桶箱包盒支枚盏盘碗根株颗"
    "粒片处所村乡镇县省市国倍票席桌笔场段节课口排匹副双对把杆眼孔丈尺寸步圈轮起宗例针剂餐顿秒成]"
)

_CONTEXT = 16


class Rule:
    """A pattern and how to say what it finds; returning the text as found leaves it to a later rule."""

    def __init__(self, pattern: str, say: Callable[[re.Match[str]], str]) -> None:
        self._pattern = re.compile(pattern, re.ASCII)
        self._say = say

    def apply(self, text: str) -> str:
        """The text with everything the pattern finds said."""
        return self._pattern.sub(self._say, text)


def before(found: re.Match[str]) -> str:
    """The few characters in front of what was found: context is near, and long texts stay quick."""
    return found.string[max(0, found.start() - _CONTEXT) : found.start()]


def after(found: re.Match[str]) -> str:
    """The few characters behind what was found."""
    return found.string[found.end() : found.end() + _CONTEXT]
