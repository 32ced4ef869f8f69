"""What the columns of a village's spreadsheet are called, in the many ways they are called.

Never looks at what stands below a header.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Field(StrEnum):
    """What a column is about; the value is how we call it ourselves."""

    SERIAL = "序号"
    HOUSEHOLD_NO = "户号"
    HEAD = "户主"
    NAME = "姓名"
    RELATION = "与户主关系"
    SEX = "性别"
    BORN = "出生日期"
    AGE = "年龄"
    ID_CARD = "身份证号"
    GROUP = "组"
    PHONE = "电话"
    NOTE = "备注"
    PARTY = "党员"
    REPRESENTATIVE = "村民代表"
    HOUSEHOLD_REP = "户代表"
    LEADER = "组长"
    AWAY = "外出"
    AT_HOME = "在家"
    WHERE = "外出地"
    ALONE = "独居"
    CALLS = "要电话"
    CANNOT_READ = "不识字"
    CAN_READ = "识字"
    DIALECT = "方言"


_TABLE = """
序号: 序号 编号 序 顺序 no 号 行号
户号: 户号 户编号 户序号 户序 家庭编号 家庭户号 户籍号 户口编号 户口号 农户编号 农户代码 第几户
户主: 户主 户主姓名 户主名 户主名字 家庭户主 农户姓名 农户 戶主
姓名: 姓名 名字 名称 成员姓名 家庭成员 家庭成员姓名 村民姓名 居民姓名 人员姓名 成员 家庭人员 共同居住人
    本人姓名 人口姓名 名
与户主关系: 与户主关系 关系 和户主关系 与户主的关系 和户主的关系 与户主之关系 家庭关系 成员关系 称谓 户主关系
    同户主关系 跟户主关系 家庭成员关系
性别: 性别 男女 性
出生日期: 出生日期 出生年月 出生年月日 生日 出生 出生时间 生年月日 出生年份 出生年 生辰 出生日
年龄: 年龄 岁数 周岁 年纪 实际年龄 岁
身份证号: 身份证号 身份证号码 身份证 公民身份号码 公民身份证号 公民身份证号码 证件号码 证件号 居民身份证号
    居民身份证号码 居民身份证 身份号码 身份证件号码 身份证件号 二代身份证号 身份证代码 idcard
组: 组 组别 村民小组 小组 组号 组名 所在组 所属组 所在小组 所属小组 村组 村民组 居民小组 组名称 小组名称
    村民小组名称 所在村民小组 所属村民小组 生产队 队 队别 所在队 生产小组 自然组 第几组
电话: 电话 手机 手机号 手机号码 电话号码 联系电话 联系方式 联系号码 联系手机 移动电话 固定电话 固话 座机
    座机号 座机号码 家庭电话 家庭联系电话 住宅电话 家庭座机 宅电 备用电话 备用手机 备用号码 其他电话 其它电话
    另一电话 第二电话 第一电话 短号码 电话手机 手机电话 常用电话 通讯方式 号码 mobile phone tel
备注: 备注 说明 附注 备考 其他 其它 情况说明
党员: 党员 是否党员 政治面貌 中共党员 是否中共党员 政治面目 党派
村民代表: 村民代表 是否村民代表 是否代表 代表 村代表 是否村代表
户代表: 户代表 是否户代表 家庭代表 是否家庭代表 户代表人 户内代表
组长: 组长 是否组长 小组长 村民小组长 是否小组长 村民组长 队长
外出: 外出 是否外出 外出情况 在外 是否在外 外出务工 是否外出务工 务工 是否务工 外出人员 务工情况 外出打工
    是否外出打工 在外情况
在家: 在家 是否在家 在村 是否在村 常住 是否常住 在家情况 居住状态 是否在村居住
外出地: 外出地 外出地点 外出务工地 务工地 务工地点 务工地址 外出地址 外出去向 去向 打工地 打工地点
    外出务工地点 外出务工地址 在外地址 在外地点 外出所在地 现在何处
独居: 独居 是否独居 独居老人 是否独居老人 独自居住
要电话: 要电话 是否要电话 听电话 是否听电话 要打电话 是否要打电话 语音通知 是否语音通知 通知方式 接收方式
    接收通知方式 打电话通知 要念
不识字: 不识字 是否不识字 文盲 是否文盲
识字: 识字 是否识字 会看短信 能看短信 是否会看短信
方言: 方言 语言 口音 语种 方言语言 语言方言 常用语言 使用语言 讲什么话 说什么话 听得懂的话 语言或方言
"""
"""What a column is called, one field a paragraph; a line that begins with a space goes on."""


def _read_table() -> dict[str, Field]:
    paragraphs = re.sub(r"\n +", " ", _TABLE.strip()).splitlines()
    split = [paragraph.split(":") for paragraph in paragraphs]
    return {name: Field(field) for field, names in split for name in names.split()}


_KNOWN = _read_table()
_BRACKETS = re.compile(r"[(\[【<].*?[)\]】>]")
_NOISE = re.compile(r"[\s*:;,、。._\-—–/\\|\"'“”‘’?!#+·()\[\]【】<>]+")
_COUNT = re.compile(r"([0-9]{1,2}|[一二三四五])\Z")
_BEFORE = re.compile(r"\A(家庭成员|是否为|是否|成员|村民|居民|本人|人员|家庭)")
_AFTER = re.compile(r"(是否|情况|信息|必填|选填)\Z")

_MORE = frozenset({Field.PHONE})
"""Columns a sheet may have several of: 电话1, 电话2."""


def recognise(header: str) -> Field | None:
    """The field a header names, or None."""
    text = unicodedata.normalize("NFKC", header).lower()
    if len(text) > 40:
        return None
    for candidate in (text, _BRACKETS.sub("", text)):
        plain = _NOISE.sub("", candidate)
        for name in (plain, _BEFORE.sub("", plain), _AFTER.sub("", plain)):
            if name in _KNOWN:
                return _KNOWN[name]
        if _KNOWN.get(_COUNT.sub("", plain)) in _MORE:
            return Field.PHONE
    return None


def may_repeat(field: Field) -> bool:
    return field in _MORE
