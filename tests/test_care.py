import pytest

from wyf_utils.text import safety

DIRECT = """
죽고 싶어
죽고싶다
요즘 자꾸 죽고 싶다는 생각이 들어
그냥 죽어버리고 싶어
자살하고 싶다
자해를 또 했어
극단적인 선택을 할까 봐 무서워
목숨을 끊고 싶어
손목을 그었어
목을 매고 싶다
옥상에서 뛰어내리고 싶어
차라리 죽는 게 낫겠어
내가 죽으면 다 편해지겠지
나 같은 건 죽어야 해
수면제를 모으고 있어
유서를 썼어
죽을 방법을 찾아봤어
그냥 확 죽을까
""".strip().splitlines()
INDIRECT = """
살기 싫어
더는 살고 싶지 않아
살아갈 이유가 없어
살 의미를 모르겠어
왜 살아야 하는지 모르겠어
사는 게 고통이야
이 세상에서 사라지고 싶다
내가 사라지면 다들 편할 거야
내가 없는 게 가족한테 나아
태어나지 말았어야 했는데
이대로 영원히 잠들고 싶어
내일 아침에 눈을 뜨지 않았으면 좋겠어
자고 나서 다시는 깨어나지 않았으면
이제 다 끝내고 싶어
모든 걸 끝내고 싶다
인생을 포기하고 싶어
세상을 등지고 싶다
내일이 오지 않았으면 좋겠어
나쁜 생각이 자꾸 들어
그만 살고 싶다
자다가 그대로 죽었으면 좋겠다
""".strip().splitlines()
HARMLESS = """
배고파 죽겠다
웃겨 죽겠네
죽여주는 노래
귀여워 죽겠어
더워 죽는 줄 알았어
심심해 죽겠다
보고 싶어 죽겠어
힘들어 죽겠네 진짜
시간을 죽이고 있어
저녁으로 죽을 먹었다
기가 죽었다
풀이 죽어 있어
죽도록 사랑해
죽기 살기로 공부했다
자살골을 넣어서 졌다
유서 깊은 절에 다녀왔다
살이 쪄서 속상해
살 빼기 싫다
과제를 다 끝내고 싶다
혼자 살기 싫어
이 동네에서 살고 싶지 않아
두통이 사라졌으면 좋겠다
여드름이 없어지면 좋겠어
월요일이 안 왔으면 좋겠다
꿈에서 깨지 않았으면 좋겠다
할머니가 세상을 떠나셨다
번지점프에서 뛰어내리고 왔다
옥상에서 고기를 구워 먹었다
한강에서 치맥 하고 싶다
회사 그만두고 싶다
배터리가 죽었어
면접에서 또 떨어져서 너무 속상해
오늘 회의는 세 시에 시작한다
약을 먹고 푹 잤다
드디어 취직했다!
네가 없는 게 아쉬워
혼자 살기 힘들다
남편과 같이 살기 좋은 집
""".strip().splitlines()


@pytest.mark.parametrize("sentence", DIRECT + INDIRECT)
def test_words_of_self_harm_are_heard(sentence):
    assert safety.is_at_risk(sentence)
    assert safety.is_at_risk(sentence.replace(" ", "")), "typed without blanks"


@pytest.mark.parametrize("sentence", HARMLESS)
def test_everyday_exaggeration_is_not(sentence):
    assert not safety.is_at_risk(sentence)


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_is_harmless_hides_nothing_beside_it(harmless):
    for meant in DIRECT:
        assert safety.is_at_risk(f"{harmless} {meant}"), meant
        assert safety.is_at_risk(f"{meant} {harmless}"), meant
    for meant in INDIRECT:
        assert safety.is_at_risk(f"{harmless}. {meant}"), meant


@pytest.mark.parametrize(
    "sentence",
    [
        "혼자 살기 힘들어서 죽고 싶어",
        "혼자 살 이유가 없어",
        "혼자 자살하고 싶다",
        "시험 끝내고 죽고 싶어",
        "서울에서 살기 싫어 죽고 싶다",
        "집에서 살기 싫어서 자해했어",
        "과제 다 끝내고 자살하고 싶다",
        "비가 와서 살기 싫어",
        "번지점프 말고 옥상에서 뛰어내리고 싶어",
        "번지점프에서 뛰어내리고 나서 죽고 싶어졌어",
    ],
)
def test_what_follows_something_harmless_is_heard(sentence):
    assert safety.is_at_risk(sentence)
    assert safety.is_at_risk(sentence.replace(" ", ""))


def test_no_sample_sentence_of_joy_or_peace_is_taken_for_danger(sample_sentences):
    calm = sample_sentences[sample_sentences["emotion"].isin([0, 2, 5])]["text"]
    assert not [text for text in calm if safety.is_at_risk(text)]


def test_the_number_is_said_in_a_calm_sentence():
    for said in safety.HELPLINE.values():
        assert "109" in said and "!" not in said
