"""Detection of wordings of self-harm, and the Korean helpline shown before any song."""

from __future__ import annotations

import re

#: 109 is the suicide-prevention line of the Ministry of Health and Welfare (자살예방 상담전화).
HELPLINE = {
    "ko": "많이 힘드신 것 같아요. 혼자 견디지 않으셔도 됩니다. "
    "자살예방 상담전화 109에서 24시간 이야기를 들어 드려요.",
    "en": "This sounds very hard, and you need not bear it alone. "
    "In Korea the suicide-prevention line 109 listens day and night.",
}

#: Alternatives of one pattern. Texts are matched without blanks, since Korean is typed either way.
_RISK = (
    # self-harm and suicide, named
    r"(?<!혼)자살|자해|극단적인?선택|목숨(?:을|까지)?(?:끊|버리)",
    r"목(?:을|이라도)?매(?:달|고|려|어|면|버)|손목(?:을|이라도)?(?:긋|그어|그었|그을)",
    r"뛰어내리(?:고|면|려|자)|뛰어내릴|한강(?:물|에|에서)?(?:온도|뛰어|빠져|몸)",
    r"번개탄|유서(?:를|도)?(?:쓰|썼|써|적|남기|남겨)",
    r"(?:수면제|약)(?:을|를)?(?:모으|모아|한꺼번에|왕창|털어)",
    # wish to die
    r"죽고(?:만|도|는)?싶|죽어버리고싶|죽어버릴|차라리죽|죽을(?:방법|계획|결심)",
    r"죽는(?:게|편이|것이)(?:더|차라리|훨씬)?(?:낫|나을|나아|편)",
    r"(?:내가|나만|나는|나도|난|나같은[건거것]|그냥|이대로)"
    r"(?:확|콱|다)?죽(?:었으면|으면|어야|을까|어버)",
    r"자다가(?:그대로|그냥|조용히)?(?:죽|가고싶|안깨|못깨)",
    # no wish to live
    r"살기(?:가|도|조차)?(?:너무|정말|진짜|이제|더는)?싫|살고싶지(?:가|도|는)?않",
    r"그만살(?:고싶|래|까)",
    r"살(?:아갈|아야할|아있을|)(?:이유|의미|가치|자신|희망|의욕|힘)"
    r"(?:가|이|도|를|은)?(?:하나도|전혀|더는|이제)?(?:없|모르)",
    r"왜(?:사는지|사는걸까|살아야|살고있)",
    r"사는(?:게|것이|거)(?:너무|정말|다|이제)?(?:무의미|의미없|의미가없|지옥|고통|지긋지긋)",
    r"(?:삶|인생)(?:을|도)?(?:그만|이제)?(?:끝내|마감|포기|하직|내려놓)",
    r"세상(?:을)?(?:떠나|뜨|등지|하직하)고싶",
    r"모든(?:걸|것을)(?:다|그만)?끝내",
    r"(?:^|[,.!?])(?:나는|난|나)?(?:이제|이젠|정말|그냥|그만|다|전부|모두)+"
    r"끝내(?:고싶|버리고싶|버릴)",
    # wish to be gone
    r"사라지고(?:만|도)?싶(?!지않)|없어지고싶|없어져버리고싶|태어나지(?:를|도)?(?:말|않았)",
    r"나쁜(?:생각|마음)(?:을|이|도)?(?:자꾸|계속|또)?(?:들|먹)",
    r"(?:내가|나만|나는|나하나|나도|나)(?:이세상에|이세상에서|세상에서)?(?:그냥|그만)?"
    r"(?:없어지|사라지|없어졌|사라졌|없어져|사라져)(?:면|는|으면|도|야)",
    r"(?:내가|나만|나하나)(?:이세상에|세상에)?"
    r"없(?:는게|는편이|어도(?:아무도|다들|모두|세상))",
    r"영(?:원히|영)(?:잠들|자고싶|안깨|깨어나지)|깨(?:어나)?지않(?:았으면|으면|고싶)",
    r"눈(?:을)?(?:뜨지않(?:았으면|고싶)|안(?:떴으면|뜨고싶|뜨면))",
    r"내일(?:이|은)?(?:오지않았으면|안왔으면|없었으면)",
)
#: Harmless wordings, removed before the match. Each ends early, so that what follows still counts.
_HARMLESS = (
    r"자살골|자살예방|(?:사귀|하)자해서(?!너)",
    r"번지점프(?:대|장|를|하러|하다가|하면서|할때|가서|에서)*뛰어내[리릴]",
    r"꿈(?:에서|을)?(?:영원히|영영)?깨(?:어나)?지않",
    r"(?:집|동네|서울|부산|도시|여기|거기|시골|기숙사|혼자|같이|함께|너랑|와(?!서)|랑)"
    r"(?:에서|에|서)?(?:는|도)?(?:더는|더이상|이제)?"
    r"살(?:고싶지(?:가|도|는)?않|기(?:가|도|조차)?(?:너무|정말|진짜|이제|더는)?싫)",
)
_RISK_PATTERN, _HARMLESS_PATTERN = re.compile("|".join(_RISK)), re.compile("|".join(_HARMLESS))


def is_at_risk(sentence: str) -> bool:
    """Detect wordings of self-harm or of a wish to be gone, direct or indirect.

    This is a list of wordings, not a diagnosis, and prefers false alarms to misses. Everyday
    exaggeration ("배고파 죽겠다", "죽여주는 노래") is not in the list.
    """
    text = _HARMLESS_PATTERN.sub(" ", re.sub(r"\s+", "", sentence))
    return bool(_RISK_PATTERN.search(text))
