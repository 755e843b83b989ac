"""The tag losses pull the tags of a person together and push people apart."""

import torch
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same

K = 4


def tag_loss(**kwargs):
    return MODELS.build(dict(type='BatchedAssociativeEmbeddingLoss', **kwargs))


def people(*pictures, max_people=5):
    """Pictures -> (B, P, K, 2). A picture is a list of people; a person has K indices or None."""
    indices = torch.zeros(len(pictures), max_people, K, 2, dtype=torch.long)
    for b, picture in enumerate(pictures):
        for p, person in enumerate(picture):
            for k, place in enumerate(person):
                if place is not None:
                    indices[b, p, k] = torch.tensor([place, 1])
    return indices


def by_hand(tags, pictures):
    """The two formulas, computed in loops over people and pairs."""
    pulls, pushes = [], []
    for tag, picture in zip(tags.flatten(2).tolist(), pictures, strict=True):
        own = [[tag[k][i] for k, i in enumerate(p) if i is not None] for p in picture]
        own = [values for values in own if values]
        means = [sum(values) / len(values) for values in own]
        n = len(own)
        spread = [
            sum((value - mean) ** 2 for value in values) / len(values)
            for values, mean in zip(own, means, strict=True)
        ]
        pulls.append(sum(spread) / n if n else 0.0)
        nearness = sum(
            torch.exp(torch.tensor(-((a - b) ** 2))).item() for a in means for b in means
        )
        pushes.append(0.5 * (nearness - n) / (n * (n - 1)) if n > 1 else 0.0)
    return sum(pulls) / len(pulls), sum(pushes) / len(pushes)


SCENES = [
    [[0, 1, 2, 3], [7, 8, None, 10], [12, None, None, None]],
    [[5, 6, 7, 8]],
    [],
    [[None] * K, [3, 3, 3, 3], [29, None, 1, 0], [None] * K, [4, 4, None, 5]],
]


def test_the_tag_losses_equal_the_formulas():
    tags = torch.randn(len(SCENES), K, 6, 5)
    for loss, expected in zip(
        tag_loss()(tags, people(*SCENES)), by_hand(tags, SCENES), strict=True
    ):
        assert_same(loss, torch.tensor(expected))
    weighted = tag_loss(loss_weight=0.001)(tags, people(*SCENES))
    assert_same(weighted[0], torch.tensor(by_hand(tags, SCENES)[0] * 0.001))


def test_a_person_without_labelled_keypoints_does_not_count():
    tags = torch.randn(1, K, 6, 5)
    seen = [[0, 1, 2, 3], [7, 8, None, 10]]
    nobody = [None] * K
    for with_them in ([nobody, *seen], [*seen, nobody], [seen[0], nobody, seen[1], nobody]):
        torch.testing.assert_close(
            tag_loss()(tags, people(with_them)), tag_loss()(tags, people(seen))
        )


def test_one_person_has_no_push_loss_and_no_person_has_no_loss():
    tags = torch.randn(2, K, 6, 5, requires_grad=True)
    pull, push = tag_loss()(tags, people([[0, 1, 2, 3]], [[9, 9, 9, 9]]))
    assert pull > 0
    assert push == 0
    pull, push = tag_loss()(tags, people([], []))
    assert pull == push == 0
    (pull + push).backward()
    assert torch.equal(tags.grad, torch.zeros_like(tags))


def test_training_pulls_tags_together_and_pushes_people_apart():
    tags = (0.1 * torch.randn(1, K, 6, 5)).requires_grad_()
    scene = people([[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]])
    optimizer = torch.optim.Adam([tags], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        sum(tag_loss()(tags, scene)).backward()
        optimizer.step()
    values = tags.detach().flatten(2)[0]
    own = torch.stack([values[range(K), range(i, i + K)] for i in (0, 10, 20)])
    assert (own - own.mean(1, keepdim=True)).abs().max() < 0.1
    gaps = own.mean(1).sort().values.diff()
    assert gaps.min() > 1
