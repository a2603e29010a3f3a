from models.prediction import Prediction, Verdict


def prediction(index: int | None) -> Prediction:
    verdict = Verdict.REJECTED if index is None else Verdict.CONFIDENT
    return Prediction("flower", ("daisy", "rose", "tulip", "weed"), (0.2, 0.5, 0.1, 0.2), verdict, index)


def test_the_label_and_its_probability() -> None:
    assert prediction(1).label == "rose"
    assert prediction(1).confidence == 0.5


def test_a_rejected_picture_has_no_label_and_no_confidence() -> None:
    assert prediction(None).label is None
    assert prediction(None).confidence == 0


def test_the_top_is_the_most_probable_first_and_ties_keep_their_order() -> None:
    assert prediction(1).top() == [("rose", 0.5), ("daisy", 0.2), ("weed", 0.2)]
    assert len(prediction(1).top(9)) == 4
