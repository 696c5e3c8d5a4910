"""A claim takes from buckets in SQL; people are told when by Python. Both must say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.accounts import limits
from tanggap.accounts.models import Bucket

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)


@pytest.mark.parametrize("tokens", [0.0, 0.99, 1.0, 2.5])
@pytest.mark.parametrize("passed", [-5 * S, 0 * S, S, 7 * S, 3600 * S])
@pytest.mark.parametrize("resets", [None, -S, 0 * S, S])
@pytest.mark.parametrize("blocked", [None, -S, 0 * S, S])
def test_taking_is_what_the_level_says(scene, tokens, passed, resets, blocked):
    now = scene.now
    bucket = Bucket.objects.create(
        agency_id=scene.account.agency_id,
        account=scene.account,
        scope="posts",
        capacity=30,
        window_s=30,
        tokens=tokens,
        updated_at=now - passed,
        resets_at=None if resets is None else now + resets,
        blocked_until=None if blocked is None else now + blocked,
    )
    level = limits.level(bucket, now)
    may = level >= 1 and (blocked is None or blocked <= 0 * S)
    assert limits.take(scene.account, "posts", now) is may
    kept = (bucket.tokens, bucket.updated_at, bucket.resets_at)
    bucket.refresh_from_db()
    if may:
        full = bucket.resets_at is None or bucket.resets_at > now
        assert bucket.tokens == pytest.approx(level - 1) and bucket.updated_at == now and full
    else:
        assert (bucket.tokens, bucket.updated_at, bucket.resets_at) == kept


def test_accounts_without_a_bucket_may_go(scene):
    assert limits.take_each({scene.account.pk}, "posts", scene.now) == {scene.account.pk}
    assert limits.take_each(set(), "posts", scene.now) == set()
