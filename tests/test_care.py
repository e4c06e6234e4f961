import numpy as np
import pytest

from wyf_utils.data import splits, text_corpora
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
유서를 썼어
죽고.. 싶다
죽고~싶다
죽고ㅠㅠ싶어
ㅈㅅ하고 싶다
죽고ㅤ싶다
죽 고 싶 다
나 진짜 죽고만 싶어
그만 살고 싶다
살기 싫다 정말로
죽는 게 나을 것 같아
죽을 생각만 하다 또 날샜다
내 목숨 고만 끊고 싶소
나를 해치고 싶어져 무서워
뒤지고 싶다
""".strip().splitlines()
INDIRECT = """
살기 싫어
더는 살고 싶지 않아
살아갈 이유가 없어
살 의미를 모르겠어
왜 살아야 하는지 모르겠어
이 세상에서 사라지고 싶다
내가 사라지면 다들 편할 거야
태어나지 말았어야 했는데
이대로 영원히 잠들고 싶어
내일 아침에 눈을 뜨지 않았으면 좋겠어
이제 다 끝내고 싶어
모든 걸 끝내고 싶다
인생을 포기하고 싶어
세상을 등지고 싶다
그만 살고 싶다
자다가 그대로 죽었으면 좋겠다
차라리 죽는 게 낫겠어
내가 죽으면 다 편해지겠지
""".strip().splitlines()
HARMLESS = """
배고파 죽겠다
웃겨 죽겠네
죽여주는 노래
귀여워 죽겠어
더워 죽는 줄 알았어
심심해 죽겠다
시간을 죽이고 있어
저녁으로 죽을 먹었다
기가 죽었다
죽도록 사랑해
자살골을 넣어서 졌다
유서 깊은 절에 다녀왔다
살 빼기 싫다
두통이 사라졌으면 좋겠다
여드름이 없어지면 좋겠어
월요일이 안 왔으면 좋겠다
번지점프에서 뛰어내리고 왔다
옥상에서 고기를 구워 먹었다
한강에서 치맥 하고 싶다
배터리가 죽었어
오늘 회의는 세 시에 시작한다
드디어 취직했다!
집에 가고 싶다
쉬고 싶다
푹 자고 싶다
엄마 보고 싶다
오늘은 혼자 있고 싶어요
과자 살 돈이 없어
여자 해설자가 재밌더라
투자해서 조금 벌었다
""".strip().splitlines()


@pytest.fixture(scope="module")
def detector():
    return safety.load(safety.trained().path)


@pytest.fixture(scope="module")
def care():
    return text_corpora.care_sentences()


@pytest.mark.parametrize("sentence", DIRECT)
def test_direct_words_are_rules(sentence):
    assert safety.is_direct(sentence)


@pytest.mark.parametrize("sentence", HARMLESS)
def test_no_rule_takes_what_is_harmless(sentence):
    assert not safety.is_direct(sentence)


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_is_harmless_hides_nothing_beside_it(harmless):
    for meant in DIRECT[:10]:
        assert safety.is_direct(f"{harmless} {meant}") and safety.is_direct(f"{meant} {harmless}")


def test_nearly_all_indirect_words_are_heard_and_little_that_is_harmless(detector):
    assert np.mean([detector.level(text) != "" for text in INDIRECT]) >= 0.9
    assert np.mean([detector.level(text) != "" for text in HARMLESS]) <= 0.3
    assert np.mean([detector.level(f"배고프다. {text}") != "" for text in INDIRECT]) >= 0.9


def test_on_new_writers_all_direct_and_most_others_are_found(detector, care):
    test = care[care["part"] == "test"]
    levels = np.array(detector.levels(test["text"].tolist()))
    at_risk, direct = test["at_risk"].to_numpy(), (test["kind"] == "direct").to_numpy()
    found, risk = levels != "", levels == safety.RISK
    assert found[direct].all() and found[at_risk].mean() > 0.9 and found[~at_risk].mean() < 0.12
    assert risk[at_risk].mean() > 0.75 and risk[~at_risk].mean() < 0.05


def test_few_ordinary_sentences_are_taken_for_danger(detector, sample_sentences):
    new = splits.split(sample_sentences, 0)["test"].sample(500, random_state=0)
    levels = detector.levels(new["text"].tolist())
    assert levels[:20] == [detector.level(text) for text in new["text"][:20]]
    assert levels.count(safety.RISK) < 10 and levels.count(safety.DISTRESS) < 30


def test_it_never_learns_from_the_test_writers(care, monkeypatch, tmp_path):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    seen = []

    def fit(part, ordinary):
        seen.append(set(part["writer"]))
        raise RuntimeError

    monkeypatch.setattr(safety, "_fit", fit)
    with pytest.raises(RuntimeError):
        safety.trained()
    assert seen and not seen[0] & set(care.loc[care["part"] == "test", "writer"])


def test_the_numbers_are_said_in_a_calm_text():
    for said in safety.HELPLINE.values():
        assert said.index("109") < said.index("1388") and "!" not in said
    for said in safety.QUIET_LINE.values():
        assert "109" in said and "!" not in said
