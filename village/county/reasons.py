"""Why a bundle was set aside, in words a county clerk can act on."""

from __future__ import annotations

from village.ground.wording import Wording, say

_WORDS = {
    "not-a-bundle": say("不是村里的程序发来的，多半是有人误开了这个地址"),
    "unknown-suite": say("用的是我们不认得的加密办法，可能是更新的程序"),
    "too-large": say("太大了，村里的程序不会发这么大的"),
    "not-for-us": say("是给别的县的"),
    "seal": say("封口打不开：路上坏了，或者有人动过"),
    "not-signed": say("里面没有签名"),
    "algorithm": say("签名用的不是约定的办法"),
    "unknown-signer": say("签名的钥匙县里不认得：没有登记，或者换了钥匙"),
    "signature": say("签名对不上：有人冒名，或者改过"),
    "revoked": say("这个村的钥匙已经停用"),
    "not-canonical": say("写法不合规矩，不是村里的程序写的"),
    "header": say("开头不合规矩"),
    "recipient": say("签的时候是给别人的，被人换了信封"),
    "foreign-log": say("装的是别的村的记录"),
    "epoch": say("属于已经结束或还没有开始的一段"),
    "compression": say("解压出来和说的不一样"),
    "count": say("条数和说的不一样"),
    "unknown-kind": say("有不认得的记录种类，可能是更新的程序"),
    "forbidden-kind": say("有只许县里写的记录"),
    "field": say("有的栏目不合规矩"),
    "head": say("一环扣一环的指纹对不上"),
    "chain": say("和已有的接不上"),
    "fork": say("同一个位置有两条不同的记录：钥匙可能被复制了，请打电话给村里"),
    "not-applied": say("收下了，可是县里的程序看不懂这一条，请报给做程序的人"),
    "ack": say("它说收到了我们没有发过的东西：可能是旧备份"),
}


def reason_in_words(name: str) -> Wording:
    return _WORDS.get(name, say("验不过（{name}）", name=name))
